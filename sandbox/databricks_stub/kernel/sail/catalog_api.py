"""spark.catalog: sees what others have made, and makes tables that last."""

from __future__ import annotations

import inspect
from typing import Any

from sandbox.databricks_stub.kernel import bridging
from sandbox.databricks_stub.kernel.sail import delta_log
from sandbox.databricks_stub.kernel.sail.commands import remember_external
from sandbox.databricks_stub.kernel.sail.state import SessionState

READING = (
    "tableExists",
    "listTables",
    "getTable",
    "listDatabases",
    "databaseExists",
    "getDatabase",
    "setCurrentDatabase",
)


def install() -> None:
    """Bridge the catalog's methods."""
    from pyspark.sql.connect.catalog import Catalog

    for name in READING:
        bridging.wrap(Catalog, name, _after_sync)
    for name in ("dropTempView", "dropGlobalTempView"):
        bridging.wrap(Catalog, name, _dropping)
    bridging.wrap(Catalog, "listColumns", _list_columns)
    for name in ("refreshTable", "cacheTable", "uncacheTable", "clearCache"):
        bridging.wrap(Catalog, name, _hint)
    for name in ("createTable", "createExternalTable"):
        bridging.wrap(Catalog, name, _creating)


def _after_sync(original: Any) -> Any:
    signature = inspect.signature(original)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        state = SessionState.find(self._sparkSession)
        if state is None:
            return original(self, *args, **kwargs)
        state.mirror.sync()
        given = signature.bind(self, *args, **kwargs)
        for argument, spell in (("tableName", state.names.table_text), ("dbName", state.names.schema_text)):
            if given.arguments.get(argument) is not None:
                given.arguments[argument] = spell(given.arguments[argument])
        return original(*given.args, **given.kwargs)

    return method


def _dropping(original: Any) -> Any:
    def method(self: Any, viewName: str) -> Any:
        return original(self, viewName.lower() if SessionState.find(self._sparkSession) else viewName)

    return method


def _list_columns(original: Any) -> Any:
    def method(self: Any, tableName: str, dbName: str | None = None) -> Any:
        state = SessionState.find(self._sparkSession)
        if state is None:
            return original(self, tableName, dbName)
        from pyspark.sql.catalog import Column

        state.mirror.sync()
        # Sail knows the columns of a table only if the session has made it
        fields = self._sparkSession.table(f"{dbName}.{tableName}" if dbName else tableName).schema.fields
        target = state.qualify(tableName)
        folder = state.location(target) if target else None
        parts = delta_log.read_state(folder).partition_columns if folder and delta_log.newest(folder) >= 0 else []
        return [
            Column(
                name=field.name,
                description=field.metadata.get("comment"),
                dataType=field.dataType.simpleString(),
                nullable=field.nullable,
                isPartition=field.name in parts,
                isBucket=False,
                isCluster=False,
            )
            for field in fields
        ]

    return method


def _hint(original: Any) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if SessionState.find(self._sparkSession) is None:
            return original(self, *args, **kwargs)
        return None  # it changes how fast something is, never what it is

    return method


def _creating(original: Any) -> Any:
    def method(
        self: Any,
        tableName: str,
        path: str | None = None,
        source: str | None = None,
        schema: Any = None,
        *args: Any,
        **options: Any,
    ) -> Any:
        state = SessionState.find(self._sparkSession)
        if state is None:
            return original(self, tableName, path, source, schema, *args, **options)
        state.mirror.sync()
        provider = (source or "delta").lower()
        address = state.volumes.resolve(path) if path else None
        if provider != "delta" and not address:
            raise NotImplementedError(
                f"Only Delta is supported for managed tables, not {provider}; give {tableName} a path"
            )
        found = original(self, state.names.table_text(tableName), address, provider, schema, *args, **options)
        if address and (target := state.qualify(tableName)):
            remember_external(state, self._sparkSession, target, location=address, provider=provider)
        state.mirror.sync()
        return found

    return method
