"""Catalogs, schemas, tables and columns as result sets of their own kind, made from what SHOW and DESCRIBE tell."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.databricks_stub.kernel.sql_text.quoting import quoted
from sandbox.databricks_stub.warehouse_protocol import messages as m

Ask = Callable[[str], Sequence[Mapping[str, Any]]]
"""Executes a statement; its rows, by the names of their columns, in which engines differ."""
Rows = list[list[Any]]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One of the calls: the columns of its result, and how its rows are found."""

    type: m.OperationType
    columns: Sequence[Mapping[str, str]]
    rows: Callable[[str, Any, Ask], Rows]


def _columns(*names: str) -> list[dict[str, str]]:
    """Columns of texts, and of numbers where the name says `:INT`."""
    found = (name.partition(":") for name in names)
    return [{"name": name, "type_name": kind or "STRING", "type_text": kind or "STRING"} for name, _, kind in found]


def _matches(name: str, pattern: str | None) -> bool:
    """Whether a name is like a pattern of `%` and `_`; no pattern, and `*`, stand for every name."""
    if pattern in (None, "", "%", "*"):
        return True
    # Documented: by databricks-sql-connector, for the arguments of its schemas(), tables() and columns()
    pieces = re.findall(r"\\.|.", str(pattern), re.DOTALL)
    wanted = "".join({"%": ".*", "_": "."}.get(piece, re.escape(piece.removeprefix("\\"))) for piece in pieces)
    return re.fullmatch(wanted, name, re.IGNORECASE | re.DOTALL) is not None


def _catalogs(catalog: str, request: Any, ask: Ask) -> Rows:
    return [[catalog]]


def _schemas(catalog: str, request: Any, ask: Ask) -> Rows:
    return [[name, catalog] for name in _schema_names(catalog, request, ask)]


def _schema_names(catalog: str, request: Any, ask: Ask) -> list[str]:
    if not _matches(catalog, request.catalogName):
        return []
    names = (str(next(iter(row.values()))) for row in ask("SHOW SCHEMAS"))
    return sorted(name for name in names if _matches(name, request.schemaName))


def _table_names(catalog: str, request: Any, ask: Ask) -> list[tuple[str, str]]:
    return [
        (schema, str(row["tableName"]))
        for schema in _schema_names(catalog, request, ask)
        for row in sorted(ask(f"SHOW TABLES IN {quoted(schema)}"), key=lambda row: str(row["tableName"]))
        if _matches(str(row["tableName"]), request.tableName) and not row["isTemporary"]
    ]


def _tables(catalog: str, request: Any, ask: Ask) -> Rows:
    views = {
        (schema, str(row["viewName"] if "viewName" in row else row["tableName"]))
        for schema in _schema_names(catalog, request, ask)
        for row in ask(f"SHOW VIEWS IN {quoted(schema)}")
    }
    kinds = {kind.upper() for kind in request.tableTypes or []}
    rows: Rows = []
    for schema, table in _table_names(catalog, request, ask):
        kind = "VIEW" if (schema, table) in views else "TABLE"
        if not kinds or kind in kinds:
            rows.append([catalog, schema, table, kind, "", None, None, None, None, None])
    return rows


def _table_columns(catalog: str, request: Any, ask: Ask) -> Rows:
    rows: Rows = []
    for schema, table in _table_names(catalog, request, ask):
        described = ask(f"DESCRIBE TABLE {quoted(schema, table)}")
        for place, row in enumerate(_described_columns(described), start=1):
            if _matches(row["col_name"], request.columnName):
                kind = str(row["data_type"]).upper()
                rows.append([catalog, schema, table, row["col_name"], kind, row.get("comment"), place, "YES"])
    return rows


def _described_columns(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The columns come first; partitions and details follow an empty name or one that begins with #."""
    found: list[Mapping[str, Any]] = []
    for row in rows:
        if not row["col_name"] or str(row["col_name"]).startswith("#"):
            break
        found.append(row)
    return found


LISTINGS: Mapping[str, tuple[Any, Listing]] = {
    "GetCatalogs": (
        m.CatalogsReq,
        Listing(type=m.OperationType.GET_CATALOGS, columns=_columns("TABLE_CAT"), rows=_catalogs),
    ),
    "GetSchemas": (
        m.SchemasReq,
        Listing(type=m.OperationType.GET_SCHEMAS, columns=_columns("TABLE_SCHEM", "TABLE_CATALOG"), rows=_schemas),
    ),
    "GetTables": (
        m.TablesReq,
        Listing(
            type=m.OperationType.GET_TABLES,
            columns=_columns(
                *("TABLE_CAT", "TABLE_SCHEM", "TABLE_NAME", "TABLE_TYPE", "REMARKS", "TYPE_CAT", "TYPE_SCHEM"),
                *("TYPE_NAME", "SELF_REFERENCING_COL_NAME", "REF_GENERATION"),
            ),
            rows=_tables,
        ),
    ),
    "GetColumns": (
        m.ColumnsReq,
        Listing(
            type=m.OperationType.GET_COLUMNS,
            columns=_columns(
                *("TABLE_CAT", "TABLE_SCHEM", "TABLE_NAME", "COLUMN_NAME", "TYPE_NAME", "REMARKS"),
                *("ORDINAL_POSITION:INT", "IS_NULLABLE"),
            ),
            rows=_table_columns,
        ),
    ),
}
"""The calls by name: the form of their request, and what they list."""
