"""Names of tables, views and schemas as Sail must be given them: Unity Catalog's have no case, those of Sail have.

Documented: https://docs.databricks.com/sql/language-manual/sql-ref-names (stored in lower case). What the
warehouse has with capitals, from before, is found under any spelling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sandbox.databricks_stub.kernel.sql_text.quoting import quoted
from sandbox.databricks_stub.kernel.sql_text.statements import name_parts
from sandbox.databricks_stub.kernel.sql_text.table_names import respell_names
from sandbox.databricks_stub.kernel.warehouse import Snapshot

FORMATS = frozenset({"delta", "parquet", "csv", "json", "text", "orc", "xml", "binaryfile", "avro"})
"""What stands before the path of a file in the place of a name."""

Parts = tuple[str, ...]


class Names:
    """The names of one session; `known` is what the warehouse holds."""

    def __init__(
        self,
        *,
        catalog: str,
        known: Callable[[], Snapshot],
        current_schema: Callable[[], str],
        is_temporary: Callable[[str], bool],
    ) -> None:
        self._catalog = catalog
        self._known = known
        self._current_schema = current_schema
        self._is_temporary = is_temporary

    def table(self, parts: Parts) -> Parts:
        """The name of a table or view in its own spelling; a new one in lower case, a path as it is."""
        match parts:
            case (table,):
                return (self._one_level(table),)
            case (kind, path) if kind.lower() in FORMATS or "/" in path:
                return parts
            case (schema, table):
                schema = self._schema(schema)
                return schema, self._table(schema, table)
            case (catalog, schema, table) if catalog.lower() == self._catalog.lower():
                schema = self._schema(schema)
                return self._catalog, schema, self._table(schema, table)
            case _:
                return parts

    def schema(self, parts: Parts) -> Parts:
        """The same for a schema; one level may also be the catalog."""
        match parts:
            case (name,) if name.lower() == self._catalog.lower():
                return (self._catalog,)
            case (schema,):
                return (self._schema(schema),)
            case (catalog, schema) if catalog.lower() == self._catalog.lower():
                return self._catalog, self._schema(schema)
            case _:
                return parts

    def table_text(self, name: str) -> str:
        """The same for a table's name as a text, such as `default.Orders`."""
        parts = name_parts(name)
        return name if (found := self.table(parts)) == parts else quoted(*found)

    def schema_text(self, name: str) -> str:
        """The same for a schema's."""
        parts = name_parts(name)
        return name if (found := self.schema(parts)) == parts else quoted(*found)

    def statement(self, sql: str) -> str:
        """A statement with all its names so; one that has them so already stays as it is."""
        return respell_names(sql, table=lambda parts: _new(parts, self.table), schema=lambda p: _new(p, self.schema))

    def _one_level(self, table: str) -> str:
        if table == table.lower() and not any(name != name.lower() for _, name in self._known().entries):
            # asking for the current schema is a round trip
            return table
        found = self._table(self._current_schema(), table)
        return table.lower() if found != table.lower() and self._is_temporary(table.lower()) else found

    def _table(self, schema: str, table: str) -> str:
        return _match(table, [name for place, name in self._known().entries if place == schema])

    def _schema(self, schema: str) -> str:
        return _match(schema, self._known().schemas)


def _match(wanted: str, names: Iterable[str]) -> str:
    """The one of the names that is meant: this spelling, else lower case, else any."""
    same = [name for name in names if name.lower() == wanted.lower()]
    return next((name for name in (wanted, wanted.lower(), *same) if name in same), wanted.lower())


def _new(parts: Parts, spell: Callable[[Parts], Parts]) -> str | None:
    return quoted(*found) if (found := spell(parts)) != parts else None
