"""The statements that need more than Sail: tables that must outlive the session, and what Sail cannot parse."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from sandbox.databricks_stub.kernel.sail import delta_log
from sandbox.databricks_stub.kernel.sail.call import Call
from sandbox.databricks_stub.kernel.sail.counts import CHANGE_COLUMNS, MERGE_COLUMNS, changed_rows
from sandbox.databricks_stub.kernel.sail.merging import merge
from sandbox.databricks_stub.kernel.sail.schemas import in_order
from sandbox.databricks_stub.kernel.sail.selective import MODE_SETTING, partitions_to_replace
from sandbox.databricks_stub.kernel.sail.state import SessionState
from sandbox.databricks_stub.kernel.sql_text.clauses import insert_clauses, table_clauses
from sandbox.databricks_stub.kernel.sql_text.notes import without_notes
from sandbox.databricks_stub.kernel.sql_text.quoting import quoted, sql_string
from sandbox.databricks_stub.kernel.sql_text.statements import Verb, name_parts
from sandbox.databricks_stub.kernel.sql_text.table_names import qualify_names
from sandbox.databricks_stub.kernel.warehouse import Name


def create_table(call: Call) -> Any:
    """CREATE [OR REPLACE] TABLE … [AS …]"""
    at = call.text.rindex(call.statement.rest)
    rest = without_notes(call.statement.rest)
    text = call.text[:at] + rest
    clauses = table_clauses(rest)
    name = call.state.qualify(call.statement.name)
    if name is None and call.statement.name[0].lower() == "delta":
        raise NotImplementedError(
            "a Delta table by its folder alone cannot be created on the local engine; give the table a name too, or "
            "write a DataFrame without rows to the folder"
        )
    if name is None:
        return call.run(text)
    if not clauses.location and clauses.provider not in ("", "delta"):
        raise NotImplementedError(
            f"[MANAGED_TABLE_FORMAT] Only Delta is supported for managed tables, not {clauses.provider}; "
            f"give {'.'.join(name)} a LOCATION, or write USING delta"
        )
    known = call.state.mirror.entry(name)
    location = call.state.volumes.resolve(clauses.location) if clauses.location else ""
    folder = call.state.location(name, location) if clauses.provider in ("", "delta") else None
    before = delta_log.newest(folder) if folder else -1
    if clauses.is_select and before >= 0 and "REPLACE" in call.statement.words and not clauses.has_options:
        # Sail keeps the old schema otherwise
        text = f"{call.text[:at]} OPTIONS ('overwriteSchema' 'true') {rest}"
    found = call.run(text)
    if folder and clauses.is_select:
        delta_log.allow_nulls(folder, since=before)
    if location and (known is None or "REPLACE" in call.statement.words):
        remember_external(call.state, call.spark, name, location=location, provider=clauses.provider or "delta")
    call.state.mirror.sync()
    return found


def remember_external(state: SessionState, spark: Any, name: Name, *, location: str, provider: str) -> None:
    """Put an external table that the session has made into the registry."""
    full = quoted(state.catalog, *name)
    columns = ""
    if provider != "delta":
        fields = spark.table(full).schema.fields
        columns = f"({', '.join(f'{quoted(field.name)} {field.dataType.simpleString()}' for field in fields)}) "
    statement = f"CREATE TABLE {{name}} {columns}USING {provider} LOCATION {sql_string(location)}"
    state.warehouse.add_table(name, statement, location=location)


def create_view(call: Call) -> Any:
    """CREATE [OR REPLACE] VIEW"""
    name = call.state.qualify(call.statement.name)
    known = call.state.mirror.entry(name) if name else None
    found = call.run()
    if name and (known is None or "REPLACE" in call.statement.words):
        current = call.state.current_schema()
        rest = qualify_names(call.statement.rest, lambda parts: _full_name(call.state, parts))
        call.state.warehouse.add_view(name, f"CREATE VIEW {{name}} {rest}", current_schema=current)
    call.state.mirror.sync()
    return found


def _full_name(state: SessionState, parts: tuple[str, ...]) -> str | None:
    # Sail looks up a view's names in the schema that is current when the view is read
    name = state.qualify(parts)
    return quoted(state.catalog, *name) if name and state.mirror.entry(name) else None


def drop_table(call: Call) -> Any:
    """DROP TABLE: the data of a managed table goes too."""
    name = call.state.qualify(call.statement.name)
    known = call.state.mirror.entry(name) if name else None
    found = call.run()
    if name and known and not known.is_view:
        call.state.warehouse.remove_table(name)
        call.state.mirror.sync()
    return found


def drop_view(call: Call) -> Any:
    """DROP VIEW"""
    name = call.state.qualify(call.statement.name)
    known = call.state.mirror.entry(name) if name else None
    found = call.run()
    if name and known and known.is_view:
        call.state.warehouse.forget(name)
        call.state.mirror.sync()
    return found


def create_schema(call: Call) -> Any:
    """CREATE SCHEMA: it needs a folder, which is also what others see."""
    name = _schema(call)
    if name in call.state.warehouse.snapshot().schemas:
        return call.run()
    found = call.run()
    call.state.warehouse.make_schema(name)
    call.state.mirror.sync()
    return found


def drop_schema(call: Call) -> Any:
    """DROP SCHEMA [CASCADE]"""
    name = _schema(call)
    found = call.run()
    call.state.warehouse.remove_schema(name)
    call.state.mirror.sync()
    return found


def _schema(call: Call) -> str:
    match call.statement.name:
        case (schema,):
            return schema
        case (catalog, schema) if catalog == call.state.catalog:
            return schema
        case parts:
            raise ValueError(f"[NO_SUCH_CATALOG_EXCEPTION] {'.'.join(parts)}: the catalog is {call.state.catalog}")


def rename_table(call: Call) -> Any:
    """ALTER TABLE … RENAME TO …, which Sail lacks; Delta's log has relative paths, so the folder is renamed."""
    old, new = call.state.qualify(call.statement.name), call.state.qualify(name_parts(call.statement.rest))
    known = call.state.mirror.entry(old) if old else None
    if old is None or new is None or known is None or known.is_view:
        raise LookupError(f"[TABLE_OR_VIEW_NOT_FOUND] {'.'.join(call.statement.name)} is not a table")
    if call.state.mirror.entry(new):
        raise FileExistsError(f"[TABLE_OR_VIEW_ALREADY_EXISTS] {'.'.join(new)} exists already")
    if not known.is_managed:
        raise NotImplementedError(f"{'.'.join(old)} is an external table; drop it and create it under its new name")
    call.state.warehouse.rename_table(old, new)
    call.state.mirror.sync()
    return call.nothing()


def add_columns(call: Call) -> Any:
    """ALTER TABLE … ADD COLUMNS, which Sail lacks: a commit with a wider schema."""
    from pyspark.sql.types import _parse_datatype_string

    rest = call.statement.rest.strip()
    new = _parse_datatype_string(rest[1:-1] if rest.startswith("(") else rest)
    folder = call.state.folder(call.statement.name)
    delta_log.add_columns(folder, [field.jsonValue() for field in new.fields])
    call.state.mirror.sync()
    return call.nothing()


def note(call: Call) -> Any:
    """GRANT, REVOKE, COMMENT ON, which Sail lacks: accepted and forgotten, as the endpoints do with permissions."""
    return call.nothing()


def table_note(call: Call) -> Any:
    """COMMENT ON TABLE, ALTER TABLE … CLUSTER BY, OWNER TO, SET TAGS, ADD CONSTRAINT … PRIMARY KEY: the same."""
    name = call.state.qualify(call.statement.name)
    if name is not None and call.state.mirror.entry(name) is None:
        raise LookupError(f"[TABLE_OR_VIEW_NOT_FOUND] {'.'.join(call.statement.name)} is not a table")
    return call.nothing()


def truncate_table(call: Call) -> Any:
    """TRUNCATE TABLE, which Sail cannot parse."""
    return call.run(f"DELETE FROM {quoted(*call.statement.name)}")


def use(call: Call) -> Any:
    """USE [SCHEMA] [catalog.]schema; Sail wants USE DATABASE and one level."""
    match call.statement.name:
        case (name,) if name == call.state.catalog:
            call.spark.catalog.setCurrentCatalog(name)
        case (schema,):
            call.spark.catalog.setCurrentDatabase(schema)
        case (catalog, schema):
            call.spark.catalog.setCurrentCatalog(catalog)
            call.spark.catalog.setCurrentDatabase(schema)
        case _:
            raise ValueError(f"[PARSE_SYNTAX_ERROR] not understood: {call.text}")
    return call.nothing()


def insert(call: Call) -> Any:
    """INSERT INTO t (columns) …, and BY NAME: Sail looks for CamelCase columns in lower case, so by position."""
    clauses = insert_clauses(call.statement.rest)
    target = call.state.qualify(call.statement.name)
    if target is None or call.state.mirror.entry(target) is None:
        return call.run()
    if "OVERWRITE" in call.statement.words and partitions_to_replace(call.spark, call.state.location(target), {}):
        raise NotImplementedError(
            f"INSERT OVERWRITE with {MODE_SETTING}=dynamic is not available on the local engine; use INSERT INTO … "
            "REPLACE WHERE, or a DataFrame's writer"
        )
    if clauses is None:
        if call.state.computes_columns(target):
            _refuse_too_few(call, target)
        return call.run()
    if call.state.computes_columns(target):
        # then Sail goes another way, without that mistake
        return call.run()
    data = call.run(clauses.query)
    if clauses.columns:
        data = data.toDF(*clauses.columns)
    full = quoted(call.state.catalog, *target)
    data = in_order(data, call.spark.table(full).schema)
    view = f"insert_{uuid.uuid4().hex}"
    data.createOrReplaceTempView(view)
    try:
        verb = "OVERWRITE" if "OVERWRITE" in call.statement.words else "INTO"
        return call.run(f"INSERT {verb} {full} SELECT * FROM {view}")
    finally:
        call.spark.catalog.dropTempView(view)


def _refuse_too_few(call: Call, target: Name) -> None:
    """Refuse fewer values than columns, as Databricks does: Sail would put them into those that have no default."""
    from pyspark.errors import AnalysisException

    try:
        given = len(call.run(call.statement.rest).columns)
    except AnalysisException:  # it is no query by itself: DEFAULT stands among its values, or a clause before it
        return
    columns = call.spark.table(quoted(call.state.catalog, *target)).columns
    if given < len(columns):
        raise AnalysisException(
            f"[INSERT_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS] Cannot write to {'.'.join(target)}, the reason is "
            f"not enough data columns: the table has {', '.join(columns)}, the data has {given}. Name the columns, "
            "or say DEFAULT."
        )


COMMANDS: dict[Verb, Callable[[Call], Any]] = {
    Verb.CREATE_TABLE: create_table,
    Verb.CREATE_VIEW: create_view,
    Verb.CREATE_SCHEMA: create_schema,
    Verb.DROP_TABLE: drop_table,
    Verb.DROP_VIEW: drop_view,
    Verb.DROP_SCHEMA: drop_schema,
    Verb.RENAME_TABLE: rename_table,
    Verb.ADD_COLUMNS: add_columns,
    Verb.TRUNCATE: truncate_table,
    Verb.INSERT: insert,
    Verb.MERGE: lambda call: changed_rows(call, lambda: merge(call), MERGE_COLUMNS),
    Verb.CHANGE: lambda call: changed_rows(call, call.run, CHANGE_COLUMNS),
    Verb.USE: use,
    Verb.NOTE: note,
    Verb.TABLE_NOTE: table_note,
}
