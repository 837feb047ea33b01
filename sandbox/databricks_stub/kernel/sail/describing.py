"""What SQL tells about a table where Sail tells nothing, or not the columns: DESCRIBE, SHOW COLUMNS and others.

Sail's catalog knows the columns of a table that the session has created itself, but not of one it was told of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox.databricks_stub.kernel.sail import delta_log
from sandbox.databricks_stub.kernel.sql_text.quoting import quoted, sql_string
from sandbox.databricks_stub.kernel.sql_text.statements import Verb

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.databricks_stub.kernel.sail.call import Call

DESCRIPTION = "col_name STRING, data_type STRING, comment STRING"


def describe(call: Call) -> Any:
    """DESCRIBE [TABLE] [EXTENDED] t"""
    rows: list[tuple[str, str, str | None]] = [
        (field.name, field.dataType.simpleString(), field.metadata.get("comment")) for field in _fields(call)
    ]
    folder, name = _folder(call), call.state.qualify(call.statement.name)
    columns = delta_log.read_state(folder).partition_columns if folder else []
    if columns:
        kinds = {one: (kind, comment) for one, kind, comment in rows}
        rows += [("# Partition Information", "", ""), ("# col_name", "data_type", "comment")]
        rows += [(column, *kinds[column]) for column in columns]
    if call.statement.words & {"EXTENDED", "FORMATTED"} and name and (entry := call.state.mirror.entry(name)):
        rows += [
            ("", "", ""),
            ("# Detailed Table Information", "", ""),
            ("Catalog", call.state.catalog, ""),
            ("Database", name[0], ""),
            ("Table", name[1], ""),
            ("Type", "VIEW" if entry.is_view else "MANAGED" if entry.is_managed else "EXTERNAL", ""),
        ]
        if not entry.is_view:
            location = entry.location or f"file:{call.state.warehouse.root / name[0] / name[1]}"
            provider = "delta" if folder or " USING delta " in entry.statement else ""
            rows += [("Location", location, ""), ("Provider", provider, "")]
    return call.spark.createDataFrame(rows, DESCRIPTION)


def show_columns(call: Call) -> Any:
    """SHOW COLUMNS IN t"""
    return call.spark.createDataFrame([(field.name,) for field in _fields(call)], "col_name STRING")


def show_properties(call: Call) -> Any:
    """SHOW TBLPROPERTIES t"""
    return call.spark.createDataFrame(sorted(_properties(call).items()), "key STRING, value STRING")


def show_create_table(call: Call) -> Any:
    """SHOW CREATE TABLE t"""
    name = call.state.qualify(call.statement.name)
    entry = call.state.mirror.entry(name) if name else None
    if name is None or entry is None:
        return call.run()
    full = ".".join((call.state.catalog, *name))
    if entry.is_view:
        text = entry.statement.replace("{name}", full, 1)
    else:
        columns = ",\n".join(
            f"  {quoted(field.name)} {field.dataType.simpleString().upper()}{'' if field.nullable else ' NOT NULL'}"
            for field in _fields(call)
        )
        text = f"CREATE TABLE {full} (\n{columns})\nUSING delta"
        folder = _folder(call)
        if folder and (parts := delta_log.read_state(folder).partition_columns):
            text += f"\nPARTITIONED BY ({', '.join(parts)})"
        if entry.location:
            text += f"\nLOCATION {sql_string(entry.location)}"
        if properties := _properties(call):
            pairs = ",\n".join(
                f"  {sql_string(key)} = {sql_string(value)}" for key, value in sorted(properties.items())
            )
            text += f"\nTBLPROPERTIES (\n{pairs})"
    return call.spark.createDataFrame([(text,)], "createtab_stmt STRING")


def refresh(call: Call) -> Any:
    """REFRESH TABLE t: done before each statement anyway."""
    _fields(call)
    return call.nothing()


def hint(call: Call) -> Any:
    """CACHE TABLE, UNCACHE TABLE, ANALYZE TABLE: they change how fast something is, never what it is."""
    return call.nothing()


def settings(call: Call) -> Any:
    """SET key = value"""
    key, equals, value = call.statement.rest.partition("=")
    if not equals:
        return call.run()
    call.spark.conf.set(key.strip().strip("`"), value.strip())
    return call.spark.createDataFrame([(key.strip(), value.strip())], "key STRING, value STRING")


def _fields(call: Call) -> list[Any]:
    return list(call.run(f"SELECT * FROM {quoted(*call.statement.name)}").schema.fields)


def _folder(call: Call) -> Path | None:
    name = call.state.qualify(call.statement.name)
    entry = call.state.mirror.entry(name) if name else None
    if name is None or entry is None or entry.is_view:
        return None
    folder = call.state.location(name)
    return folder if folder and delta_log.newest(folder) >= 0 else None


def _properties(call: Call) -> dict[str, str]:
    folder = _folder(call)
    return dict(delta_log.read_state(folder).metadata.get("configuration", {})) if folder else {}


COMMANDS: dict[Verb, Callable[[Call], Any]] = {
    Verb.DESCRIBE: describe,
    Verb.SHOW_COLUMNS: show_columns,
    Verb.SHOW_PROPERTIES: show_properties,
    Verb.SHOW_CREATE: show_create_table,
    Verb.REFRESH: refresh,
    Verb.HINT: hint,
    Verb.SET: settings,
}
