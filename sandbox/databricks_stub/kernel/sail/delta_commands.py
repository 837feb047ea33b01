"""The SQL of Delta that Sail cannot parse: DESCRIBE HISTORY, DESCRIBE DETAIL, OPTIMIZE, VACUUM, RESTORE."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox.databricks_stub.kernel.sail import compaction, maintenance
from sandbox.databricks_stub.kernel.sql_text.quoting import quoted
from sandbox.databricks_stub.kernel.sql_text.statements import Verb, name_parts

if TYPE_CHECKING:
    from sandbox.databricks_stub.kernel.sail.call import Call

ZORDER = re.compile(r"ZORDER\s+BY\s*\(?\s*(?P<columns>[^)]+?)\s*\)?\s*", re.IGNORECASE)
VACUUM = re.compile(r"(?:FULL|LITE)?\s*(?:RETAIN\s+(?P<hours>[\d.]+)\s+HOURS)?\s*(?P<dry>DRY\s+RUN)?\s*", re.IGNORECASE)
RESTORE = re.compile(
    r"TO\s+(?:VERSION\s+AS\s+OF\s+(?P<version>\d+)|TIMESTAMP\s+AS\s+OF\s+['\"](?P<moment>[^'\"]+)['\"])", re.IGNORECASE
)
RETENTION_CHECK = "spark.databricks.delta.retentionDurationCheck.enabled"


def history(call: Call) -> Any:
    """DESCRIBE HISTORY t [LIMIT n]"""
    rows = maintenance.history(call.state.folder(call.statement.name))
    limit = re.fullmatch(r"LIMIT\s+(\d+)", call.statement.rest.strip(), re.IGNORECASE)
    return call.spark.createDataFrame(rows[: int(limit[1])] if limit else rows, maintenance.HISTORY_SCHEMA)


def detail(call: Call) -> Any:
    """DESCRIBE DETAIL t"""
    folder = call.state.folder(call.statement.name)
    target = call.state.qualify(call.statement.name)
    name = ".".join((call.state.catalog, *target)) if target else ""
    return call.spark.createDataFrame([maintenance.detail(folder, name=name)], maintenance.DETAIL_SCHEMA)


def optimize(call: Call) -> Any:
    """OPTIMIZE t [FULL] [ZORDER BY (…)]"""
    rest = re.sub(r"^FULL\b\s*", "", call.statement.rest.strip(), flags=re.IGNORECASE)
    found = ZORDER.fullmatch(rest)
    if rest and not found:
        raise NotImplementedError(
            f"the local engine has OPTIMIZE for whole tables, with or without ZORDER BY; not: {rest}"
        )
    columns = [name_parts(item)[-1] for item in found["columns"].split(",")] if found else []
    folder = call.state.folder(call.statement.name)
    metrics = compaction.optimize(call.run(f"SELECT * FROM {quoted(*call.statement.name)}"), folder, sort_by=columns)
    call.state.mirror.sync()
    schema = "path STRING, metrics STRUCT<numFilesAdded: BIGINT, numFilesRemoved: BIGINT>"
    return call.spark.createDataFrame([(str(folder), (metrics["numFilesAdded"], metrics["numFilesRemoved"]))], schema)


def vacuum(call: Call) -> Any:
    """VACUUM t [RETAIN n HOURS] [DRY RUN]"""
    found = VACUUM.fullmatch(call.statement.rest.strip())
    if not found:
        raise NotImplementedError(f"not understood: VACUUM … {call.statement.rest}")
    hours = float(found["hours"]) if found["hours"] else maintenance.DEFAULT_RETENTION_HOURS
    if hours < maintenance.DEFAULT_RETENTION_HOURS and call.spark.conf.get(RETENTION_CHECK, "true") != "false":
        raise ValueError(
            f"[DELTA_VACUUM_RETENTION_PERIOD_TOO_SHORT] {hours:g} hours are less than the default of 168; "
            f"a running query may need the files. To do it, set {RETENTION_CHECK} to false"
        )
    folder = call.state.folder(call.statement.name)
    removed = maintenance.vacuum(folder, retention_hours=hours, dry_run=bool(found["dry"]))
    rows = [(path,) for path in removed] if found["dry"] else [(str(folder),)]
    return call.spark.createDataFrame(rows, "path STRING")


def restore(call: Call) -> Any:
    """RESTORE [TABLE] t TO VERSION AS OF n, or TO TIMESTAMP AS OF '…'"""
    found = RESTORE.fullmatch(call.statement.rest.strip())
    if not found:
        raise ValueError(f"[PARSE_SYNTAX_ERROR] not understood: RESTORE … {call.statement.rest}")
    folder = call.state.folder(call.statement.name)
    if found["version"]:
        version = int(found["version"])
    else:
        moment = datetime.datetime.fromisoformat(found["moment"])
        version = maintenance.version_at(folder, moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC))
    metrics = maintenance.restore(folder, version)
    call.state.mirror.sync()
    return call.spark.createDataFrame([tuple(metrics.values())], ", ".join(f"{name} BIGINT" for name in metrics))


COMMANDS: dict[Verb, Callable[[Call], Any]] = {
    Verb.HISTORY: history,
    Verb.DETAIL: detail,
    Verb.OPTIMIZE: optimize,
    Verb.VACUUM: vacuum,
    Verb.RESTORE: restore,
}
