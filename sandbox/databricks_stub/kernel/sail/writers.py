"""DataFrame writers: tables that last, and Delta's rules on schemas, where Sail is either stricter or loses data.

Measured 2026-11, pysail 0.7.2: an append with more columns than the table drops them in silence, one with fewer fails;
a partitionBy that repeats the table's is refused; an append to a table by its name looks for CamelCase columns in lower
case, one to its folder does not; columns become NOT NULL when the query's happen to be. Overwrites of a part of a table
are in `selective.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox.databricks_stub.kernel import bridging
from sandbox.databricks_stub.kernel.sail import delta_log, selective
from sandbox.databricks_stub.kernel.sail.commands import remember_external
from sandbox.databricks_stub.kernel.sail.schemas import conform
from sandbox.databricks_stub.kernel.sail.state import SessionState

V2_METHODS = ("create", "replace", "createOrReplace", "append", "overwrite", "overwritePartitions")


def install() -> None:
    """Bridge the writers."""
    from pyspark.sql.connect.readwriter import DataFrameWriter, DataFrameWriterV2

    bridging.wrap(DataFrameWriter, "saveAsTable", _save_as_table)
    bridging.wrap(DataFrameWriter, "insertInto", _insert_into)
    bridging.wrap(DataFrameWriter, "save", _save)
    for name in V2_METHODS:
        bridging.wrap(DataFrameWriterV2, name, _v2(name))


def flag(options: dict[str, Any], name: str) -> bool:
    """Whether an option is on; names in any case."""
    return any(key.lower() == name.lower() and str(value).lower() == "true" for key, value in options.items())


def _prepare(writer: Any, mode: Any, format: Any, partition_by: Any, options: dict[str, Any]) -> Any:  # noqa: A002
    writer.mode(mode).options(**options)
    if partition_by is not None:
        writer.partitionBy(partition_by)
    if format is not None:
        writer.format(format)
    return writer._write  # noqa: SLF001


def _save_as_table(original: Any) -> Any:
    def saveAsTable(
        self: Any,
        name: str,
        format: Any = None,  # noqa: A002
        mode: Any = None,
        partitionBy: Any = None,
        **options: Any,
    ) -> None:
        state = SessionState.find(self._spark)
        if state is None:
            original(self, name, format, mode, partitionBy, **options)
            return
        write = _prepare(self, mode, format, partitionBy, options)
        state.mirror.sync()
        name = state.names.table_text(name)
        target = state.qualify(name)
        known = state.mirror.entry(target) if target else None
        path = _path_option(write, state)
        provider = str(write.source or "delta").lower()
        if provider != "delta" and not path and known is None:
            raise NotImplementedError(
                f"[MANAGED_TABLE_FORMAT] Only Delta is supported for managed tables, not {provider}; "
                f"give {name} a path, or write the format delta"
            )
        folder = state.location(target, path) if target and provider == "delta" else None
        before = delta_log.newest(folder) if folder else -1
        if known and not _select(self, folder):
            return
        if known and target and folder and write.mode in ("append", "overwrite") and not state.computes_columns(target):
            _conform_write(self, self._spark.table(name).schema, folder)
            write.source = "delta"
            bridging.original(type(self), "save")(self, str(folder))
        elif known and selective.option(write.options, selective.REPLACE_WHERE):
            raise NotImplementedError(
                f"a part of {name} cannot be overwritten on the local engine: it has columns with a default, an "
                "identity or an expression"
            )
        else:
            original(self, name)
        if folder:
            delta_log.allow_nulls(folder, since=before, keep_known=write.mode == "append")
        if target and path and known is None:
            remember_external(state, self._spark, target, location=path, provider=provider)
        state.mirror.sync()

    return saveAsTable


def _insert_into(original: Any) -> Any:
    def insertInto(self: Any, tableName: str, overwrite: Any = None) -> None:
        state = SessionState.find(self._spark)
        name = tableName
        if state is not None:
            state.mirror.sync()
            name = state.names.table_text(tableName)
            target = state.qualify(name)
            folder = state.location(target) if target and state.mirror.entry(target) else None
            replaces = self._write.mode == "overwrite" if overwrite is None else overwrite
            if replaces and selective.partitions_to_replace(self._spark, folder, self._write.options):
                data = _data(self).toDF(*self._spark.table(name).columns)
                data.write.mode("overwrite").options(**self._write.options).saveAsTable(name)
                return
        original(self, name, overwrite)

    return insertInto


def _save(original: Any) -> Any:
    def save(
        self: Any,
        path: Any = None,
        format: Any = None,  # noqa: A002
        mode: Any = None,
        partitionBy: Any = None,
        **options: Any,
    ) -> None:
        state = SessionState.find(self._spark)
        if state is None:
            original(self, path, format, mode, partitionBy, **options)
            return
        write = _prepare(self, mode, format, partitionBy, options)
        given = path or _path_option(write, state)
        target = state.volumes.resolve(given) if given else None
        folder = Path(target) if target and target.startswith("/") else None
        is_delta = str(write.source or "delta").lower() == "delta"
        before = delta_log.newest(folder) if folder and is_delta else -1
        if is_delta and before >= 0 and not _select(self, folder):
            return
        if is_delta and before >= 0 and write.mode in ("append", "overwrite"):
            _conform_write(self, self._spark.read.format("delta").load(str(folder)).schema, folder)
        original(self, target)
        if folder and is_delta and delta_log.newest(folder) > before:
            delta_log.allow_nulls(folder, since=before, keep_known=write.mode == "append")

    return save


def _select(writer: Any, folder: Path | None) -> bool:
    """Make an overwrite of partitions one of their rows; False when there is nothing to be written."""
    write = writer._write  # noqa: SLF001
    if write.mode != "overwrite":
        return True
    partitions = selective.partitions_to_replace(writer._spark, folder, write.options)  # noqa: SLF001
    if partitions and folder is not None:
        where = selective.condition(_data(writer), folder, partitions)
        write.options[selective.REPLACE_WHERE] = where
        return bool(where)
    selective.check(_data(writer), write.options)
    return True


def _path_option(write: Any, state: SessionState) -> str:
    for key in list(write.options):
        if key.lower() == "path":
            write.options[key] = state.volumes.resolve(str(write.options[key]))
            return str(write.options[key])
    return ""


def _conform_write(writer: Any, schema: Any, folder: Path | None) -> None:
    """Give the data the table's columns, or refuse it, as Delta does; and take back a partitioning that repeats."""
    write = writer._write  # noqa: SLF001
    if write.mode == "overwrite" and flag(write.options, "overwriteSchema"):
        return
    if write.partitioning_cols and folder is not None:
        now = delta_log.read_state(folder).partition_columns
        wanted = list(write.partitioning_cols)
        wanted = list(wanted[0]) if wanted and isinstance(wanted[0], (list, tuple)) else wanted
        if wanted != now:
            from pyspark.errors import AnalysisException

            raise AnalysisException(
                f"[DELTA_PARTITION_MISMATCH] The table is partitioned by {now}, the data is to be by {wanted}; "
                "overwrite with the option overwriteSchema to change that"
            )
        write.partitioning_cols = []
    merged = flag(write.options, "mergeSchema")
    write._child = conform(_data(writer), schema, merge_schema=merged)._plan  # noqa: SLF001


def _data(writer: Any) -> Any:
    from pyspark.sql.connect.dataframe import DataFrame

    return DataFrame(writer._df, writer._spark)  # noqa: SLF001


def _v2(name: str) -> Any:
    def make(original: Any) -> Any:
        def method(self: Any, *args: Any) -> None:
            state = SessionState.find(self._spark)
            if state is None:
                original(self, *args)
                return
            state.mirror.sync()
            write = self._write
            self._table_name = write.table_name = state.names.table_text(self._table_name)
            target = state.qualify(self._table_name)
            computes = target is not None and state.computes_columns(target)
            if name == "append" and target and not computes and not flag(write.options, "mergeSchema"):
                # by name, Sail looks for CamelCase columns in lower case; so by position
                data = conform(_data(self), self._spark.table(self._table_name).schema, merge_schema=False)
                data.write.mode("append").insertInto(self._table_name)
                return
            folder = state.location(target, "") if target else None
            before = delta_log.newest(folder) if folder else -1
            if name in ("replace", "createOrReplace"):
                write.options["overwriteSchema"] = "true"
            elif name != "create" and before >= 0 and not computes:
                schema = self._spark.table(self._table_name).schema
                data = conform(_data(self), schema, merge_schema=flag(write.options, "mergeSchema"))
                write._child = data._plan  # noqa: SLF001
            original(self, *args)
            if folder:
                delta_log.allow_nulls(folder, since=before, keep_known=name not in ("replace", "createOrReplace"))
            state.mirror.sync()

        return method

    return make
