"""Overwrites of a part of a table: `replaceWhere`, and dynamic partition overwrite as one.

Documented: https://docs.databricks.com/delta/selective-overwrite. Measured 2026-11, pysail 0.7.2: Sail knows
`replaceWhere` of writes to a folder only, and takes data that its condition does not cover; it takes dynamic partition
overwrite for an overwrite of the whole table.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.kernel.sail import delta_log
from sandbox.databricks_stub.kernel.sql_text.quoting import quoted, sql_string

REPLACE_WHERE, OVERWRITE_MODE = "replaceWhere", "partitionOverwriteMode"
MODE_SETTING = "spark.sql.sources.partitionOverwriteMode"


def option(options: Mapping[str, Any], name: str) -> str:
    """The value of an option, its name in any case; empty where it is not given."""
    return next((str(value) for key, value in options.items() if key.lower() == name.lower()), "")


def partitions_to_replace(spark: Any, folder: Path | None, options: Mapping[str, Any]) -> list[str]:
    """The partitions of the Delta table in `folder` when an overwrite is to replace only those that it writes."""
    mode = option(options, OVERWRITE_MODE) or spark.conf.get(MODE_SETTING, "static")
    if mode.lower() != "dynamic" or option(options, REPLACE_WHERE) or option(options, "overwriteSchema"):
        return []
    if folder is None or delta_log.newest(folder) < 0:
        return []
    return list(delta_log.read_state(folder).partition_columns)


def condition(data: Any, folder: Path, partitions: list[str]) -> str:
    """The `replaceWhere` that stands for the partitions which are in the data; empty where there is no row."""
    types = {field["name"]: field["type"] for field in delta_log.read_state(folder).schema["fields"]}
    texts = data.selectExpr(*(f"CAST({quoted(name)} AS STRING)" for name in partitions)).distinct().collect()
    return " OR ".join(
        "("
        + " AND ".join(partition_is(name, value, types[name]) for name, value in zip(partitions, row, strict=True))
        + ")"
        for row in texts
    )


def partition_is(name: str, value: str | None, kind: str) -> str:
    """The condition that a column has a partition's value, given as a text; `kind` is Delta's name of its type.

    Types are compared, not texts, which each writer spells as it likes: `2` and `2.0` are one number.
    """
    if value is None:
        return f"{quoted(name)} IS NULL"
    # Measured 2026-11, pysail 0.7.2: the log and CAST(… AS STRING) have a TIMESTAMP in UTC, whatever the session's zone
    text = f"{value}+00:00" if kind == "timestamp" and not value.endswith("Z") else value
    literal = sql_string(text) if kind == "string" else f"CAST({sql_string(text)} AS {kind})"
    return f"{quoted(name)} = {literal}"


def check(data: Any, options: Mapping[str, Any]) -> None:
    """Refuse data that `replaceWhere` does not cover, as Delta does: it would be added beside what is replaced."""
    from pyspark.errors import AnalysisException

    where = option(options, REPLACE_WHERE)
    if where and data.filter(f"NOT coalesce(({where}), false)").limit(1).collect():
        raise AnalysisException(
            "[DELTA_REPLACE_WHERE_MISMATCH] Written data does not conform to partial table overwrite condition or "
            f"constraint '{where}'."
        )
