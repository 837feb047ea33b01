"""spark.catalog: sees what others have made, and makes tables that last."""

from __future__ import annotations

from typing import Any

from sandbox.databricks_stub.kernel.sail import bridges
from sandbox.databricks_stub.kernel.sail.state import SessionState

READING = (
    "tableExists",
    "listTables",
    "getTable",
    "listColumns",
    "listDatabases",
    "databaseExists",
    "getDatabase",
    "setCurrentDatabase",
)


def install() -> None:
    """Bridge the catalog's methods."""
    from pyspark.sql.connect.catalog import Catalog

    for name in READING:
        bridges.wrap(Catalog, name, _after_sync)


def _after_sync(original: Any) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        state = SessionState.find(self._sparkSession)
        if state is not None:
            state.mirror.sync()
        return original(self, *args, **kwargs)

    return method
