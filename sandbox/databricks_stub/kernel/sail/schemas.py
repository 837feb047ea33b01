"""Delta's rules for writing data into a table that has a schema. Documented: https://docs.databricks.com/delta/update-schema"""

from __future__ import annotations

from typing import Any

WIDER = {
    "tinyint": ("smallint", "int", "bigint", "float", "double"),
    "smallint": ("int", "bigint", "float", "double"),
    "int": ("bigint", "double"),
    "bigint": (),
    "float": ("double",),
    "date": ("timestamp",),
}
"""Spark's names of types, and what they may be written as."""


def conform(data: Any, schema: Any, *, merge_schema: bool) -> Any:
    """The data with the table's columns in the table's order; missing ones are NULL.

    Raises AnalysisException for columns that the table lacks, unless `merge_schema`, and for other types.
    """
    from pyspark.errors import AnalysisException
    from pyspark.sql import functions as f

    given = {item.name.lower(): item for item in data.schema.fields}
    known = {item.name.lower() for item in schema.fields}
    more = [item.name for key, item in given.items() if key not in known]
    if more and not merge_schema:
        raise AnalysisException(
            "[DELTA_METADATA_MISMATCH] A schema mismatch detected when writing to the Delta table: "
            f"the table has no column {', '.join(more)}, but {', '.join(item.name for item in schema.fields)}. "
            "To add columns, set .option('mergeSchema', 'true')."
        )
    columns = []
    for item in schema.fields:
        found = given.get(item.name.lower())
        kind = item.dataType.simpleString()
        if found is None or found.dataType.simpleString() == "void":
            columns.append(f.lit(None).cast(item.dataType).alias(item.name))
            continue
        has = found.dataType.simpleString()
        column = f.col(_quoted(found.name))
        if _same(has, kind):
            columns.append(column.alias(item.name))
        elif kind in WIDER.get(has, ()) or (has.startswith("decimal") and kind.startswith("decimal")):
            columns.append(column.cast(item.dataType).alias(item.name))
        else:
            raise AnalysisException(
                f"[DELTA_FAILED_TO_MERGE_FIELDS] Failed to merge fields '{item.name}' and '{found.name}': "
                f"the table has {kind}, the data {has}"
            )
    return data.select(*columns, *(f.col(_quoted(name)) for name in more))


def in_order(data: Any, schema: Any) -> Any:
    """The data's columns in the table's order, missing ones as NULL; the types are the engine's business."""
    from pyspark.errors import AnalysisException
    from pyspark.sql import functions as f

    given = {name.lower(): name for name in data.columns}
    unknown = [name for key, name in given.items() if key not in {item.name.lower() for item in schema.fields}]
    if unknown:
        raise AnalysisException(f"[UNRESOLVED_COLUMN] the table has no column {', '.join(unknown)}")
    return data.select(
        *(
            f.col(_quoted(given[item.name.lower()])).alias(item.name)
            if item.name.lower() in given
            else f.lit(None).cast(item.dataType).alias(item.name)
            for item in schema.fields
        )
    )


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
