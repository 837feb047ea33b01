"""How many rows MERGE, UPDATE and DELETE have changed; Sail counts all rows of the files that it wrote anew.

Documented: https://docs.databricks.com/sql/language-manual/delta-merge-into and …/delta-update, …/delta-delete-from
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.databricks_stub.kernel.sail import delta_log

if TYPE_CHECKING:
    from sandbox.databricks_stub.kernel.sail.call import Call

MERGE_COLUMNS = {
    "num_affected_rows": ("numTargetRowsUpdated", "numTargetRowsDeleted", "numTargetRowsInserted"),
    "num_updated_rows": ("numTargetRowsUpdated",),
    "num_deleted_rows": ("numTargetRowsDeleted",),
    "num_inserted_rows": ("numTargetRowsInserted",),
}
CHANGE_COLUMNS = {"num_affected_rows": ("numUpdatedRows", "numDeletedRows")}


def changed_rows(call: Call, run: Callable[[], Any], columns: Mapping[str, tuple[str, ...]]) -> Any:
    """Run a statement, and count by what it has written into the log; tables elsewhere keep Sail's number."""
    folder = _folder(call)
    if folder is None:
        return run()
    before = delta_log.newest(folder)
    run()
    after = delta_log.newest(folder)
    metrics = _metrics(folder, after) if after > before else {}
    values = [sum(int(metrics.get(name, 0)) for name in names) for names in columns.values()]
    schema = ", ".join(f"{name} BIGINT" for name in columns)
    return call.spark.createDataFrame([tuple(values)], schema)


def _folder(call: Call) -> Path | None:
    name = call.state.qualify(call.statement.name)
    if name is None:
        return None
    folder = call.state.location(name)
    return folder if folder and delta_log.newest(folder) >= 0 else None


def _metrics(folder: Path, version: int) -> dict[str, Any]:
    for action in delta_log.read_commit(folder, version):
        if "commitInfo" in action:
            return dict(action["commitInfo"].get("operationMetrics", {}))
    return {}
