"""WarehouseCatalog: keeps Spark's catalog, which lives in memory, and the warehouse folder equal.

The folder is the truth, as for every engine: at the start Spark is told what there is, and each change that a
statement makes is written down before the statement ends. Managed tables need no writing down, their folders tell.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from sandbox.databricks_stub.kernel.sql_text.quoting import quoted, sql_string
from sandbox.databricks_stub.kernel.volumes.paths import VolumePaths
from sandbox.databricks_stub.kernel.warehouse import Entry, Name, Warehouse

CATALOG = "org.apache.spark.sql.catalyst.catalog"
LISTENER = f"{CATALOG}.ExternalCatalogEventListener"
NOTICED = frozenset(
    {"CreateDatabaseEvent", "DropDatabaseEvent", "CreateTableEvent", "AlterTableEvent", "DropTableEvent"}
    | {"RenameTableEvent"}
)


class WarehouseCatalog:
    """The catalog of one Java process, and the folder behind it."""

    def __init__(self, gateway: Any, session: Any, *, warehouse: Warehouse, catalog: str, volumes: VolumePaths) -> None:
        self._gateway = gateway
        self._jvm = gateway.jvm
        self._session = session
        self._warehouse = warehouse
        self._catalog = catalog
        self._volumes = volumes
        self._external = session.sharedState().externalCatalog()

    def load(self) -> None:
        """Tell Spark what the warehouse holds; what cannot be told is said on standard error."""
        found = self._warehouse.snapshot()
        for schema in found.schemas:
            self._make_schema(schema)
        waiting: dict[Name, Entry] = {}
        for name, entry in sorted(found.entries.items()):
            # Spark looks names up in lower case; a folder with capitals is one of an older version on Sail
            lower = (name[0], name[1].lower())
            if entry.is_managed and lower != name and lower in found.entries:
                print(f"the table {'.'.join(name)} is hidden by {'.'.join(lower)}", file=sys.stderr)
            elif entry.is_managed:
                self._add_delta(lower, self._warehouse.root / name[0] / name[1], kind="MANAGED")
            elif not entry.is_view and " USING delta " in entry.statement and entry.location.startswith("/"):
                self._add_delta(name, Path(entry.location), kind="EXTERNAL")
            else:
                waiting[name] = entry
        self._execute(waiting)

    def listen(self) -> None:
        """Write down each change from now on."""
        from py4j.java_gateway import CallbackServerParameters

        self._gateway.start_callback_server(
            CallbackServerParameters(address="127.0.0.1", port=0, daemonize=True, daemonize_connections=True)
        )
        server = self._gateway.get_callback_server()
        self._gateway.java_gateway_server.resetCallbackClient(
            self._gateway.java_gateway_server.getCallbackClient().getAddress(), server.get_listening_port()
        )
        self._external.addListener(_Listener(self))

    def changed(self, kind: str, schema: str, names: list[str]) -> None:
        """One change of Spark's catalog."""
        match kind:
            case "CreateDatabaseEvent":
                self._place_schema(schema)
            case "DropDatabaseEvent":
                self._warehouse.remove_schema(schema)
            case "DropTableEvent":
                self._warehouse.forget((schema, names[0]))
            case "RenameTableEvent":
                self._warehouse.forget((schema, names[0]))
                self._remember((schema, names[1]))
            case _:
                self._remember((schema, names[0]))

    def _execute(self, waiting: dict[Name, Entry]) -> None:
        """Views and tables elsewhere, as the statements that made them; a view may stand on another one."""
        problems: dict[Name, str] = {}
        while waiting:
            before = len(waiting)
            for name, entry in list(waiting.items()):
                try:
                    if entry.current_schema:
                        self._session.sql(f"USE {quoted(self._catalog, entry.current_schema)}")
                    self._session.sql(entry.statement.replace("{name}", quoted(self._catalog, *name), 1))
                    del waiting[name]
                except Exception as error:
                    problems[name] = _message(error)
            if len(waiting) == before:
                break
        self._session.sql(f"USE {quoted(self._catalog, 'default')}")
        for name, entry in sorted(waiting.items()):
            kind = "view" if entry.is_view else "table"
            print(f"the {kind} {'.'.join(name)} cannot be registered: {problems[name]}", file=sys.stderr)

    def _make_schema(self, schema: str) -> None:
        if not self._external.databaseExists(schema):
            database = getattr(self._jvm, f"{CATALOG}.CatalogDatabase")(
                schema, "", self._uri(self._warehouse.schema_location(schema)), self._empty_map()
            )
            self._external.createDatabase(database, True)
        self._place_schema(schema)

    def _place_schema(self, schema: str) -> None:
        """A schema's folder is the one of its name; Spark would have `<name>.db`, and its root for `default`."""
        known = self._external.getDatabase(schema)
        wanted = self._warehouse.schema_location(schema)
        made = _path(known.locationUri().toString())
        root = self._warehouse.root
        if made != wanted and made in (root, root / f"{schema}.db"):
            self._external.alterDatabase(
                known.copy(known.name(), known.description(), self._uri(wanted), known.properties())
            )
            if made != root:
                shutil.rmtree(made, ignore_errors=True)
        self._warehouse.make_schema(schema)

    def _add_delta(self, name: Name, folder: Path, *, kind: str) -> None:
        """A Delta table without a look at its log: that has its columns, and is read with each use."""
        option = self._jvm.scala.Option.apply
        types = getattr(self._jvm, f"{CATALOG}.CatalogTableType")
        empty = getattr(self._jvm, f"{CATALOG}.CatalogStorageFormat").empty()
        storage = empty.copy(
            option(self._uri(folder)),
            *(getattr(empty, f"copy$default${number}")() for number in range(2, 8)),
        )
        table = getattr(self._jvm, f"{CATALOG}.CatalogTable")
        rest = [getattr(table, f"$lessinit$greater$default${number}")() for number in range(6, 23)]
        identifier = self._jvm.org.apache.spark.sql.catalyst.TableIdentifier(
            name[1], option(name[0]), option(self._catalog)
        )
        made = table(
            identifier,
            getattr(types, kind)(),
            storage,
            self._jvm.org.apache.spark.sql.types.StructType(),
            option("delta"),
            *rest,
        )
        self._external.createTable(made, True)

    def _remember(self, name: Name) -> None:
        """Write down a view or a table that lies elsewhere, as it is in Spark's catalog now."""
        if not self._external.tableExists(*name):
            return  # dropped again in the meantime
        table = self._external.getTable(*name)
        match table.tableType().name():
            case "VIEW":
                text = table.viewText().get()
                columns = ", ".join(quoted(column) for column in table.schema().fieldNames())
                parts = self._sequence(table.viewCatalogAndNamespace())
                self._warehouse.add_view(
                    name, f"CREATE VIEW {{name}} ({columns}) AS {text}", current_schema=parts[-1] if parts else name[0]
                )
            case "EXTERNAL":
                location = self._volumes.resolve(_shown(table.location().toString()))
                statement = f"CREATE TABLE {{name}} {self._clauses(table)} LOCATION {sql_string(location)}"
                self._warehouse.add_table(name, statement, location=location)
            case _:
                self._warehouse.forget(name)

    def _clauses(self, table: Any) -> str:
        provider = table.provider().get() if table.provider().isDefined() else "parquet"
        if provider.lower() == "delta":
            return "USING delta"
        options = self._mapping(table.storage().properties())
        pairs = ", ".join(f"{sql_string(key)} {sql_string(value)}" for key, value in sorted(options.items()))
        partitions = ", ".join(quoted(column) for column in self._sequence(table.partitionColumnNames()))
        return (
            f"({table.schema().toDDL()}) USING {provider}"
            + (f" OPTIONS ({pairs})" if pairs else "")
            + (f" PARTITIONED BY ({partitions})" if partitions else "")
        )

    def _uri(self, folder: Path) -> Any:
        return self._jvm.java.net.URI(folder.as_uri())

    def _empty_map(self) -> Any:
        return getattr(self._jvm, "scala.collection.immutable.Map$").__getattr__("MODULE$").empty()

    def _sequence(self, items: Any) -> list[str]:
        return [str(items.apply(index)) for index in range(items.length())]

    def _mapping(self, items: Any) -> dict[str, str]:
        found = {}
        walk = items.iterator()
        while walk.hasNext():
            pair = walk.next()
            found[str(pair.productElement(0))] = str(pair.productElement(1))
        return found


class _Listener:
    """What Java calls with each event of its catalog, in the thread of the statement."""

    def __init__(self, catalog: WarehouseCatalog) -> None:
        self._catalog = catalog

    def onEvent(self, event: Any) -> None:
        """Take one event; those that come before a change are no news."""
        kind = event.productPrefix()
        if kind in NOTICED:
            schema = str(event.productElement(0))
            names = [str(event.productElement(index)) for index in range(1, event.productArity())]
            self._catalog.changed(kind, schema, names)

    class Java:
        """The interface that this is for Java."""

        implements = [LISTENER]  # noqa: RUF012 - py4j reads it from the class


def _message(error: Exception) -> str:
    """What Java says, in one line."""
    java = getattr(error, "java_exception", None)
    text = str(java.getMessage() if java is not None else error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__


def _path(uri: str) -> Path:
    return Path(unquote(urlparse(uri).path))


def _shown(uri: str) -> str:
    """A location as statements have it: paths on this machine without a scheme."""
    return str(_path(uri)) if uri.startswith("file:") else unquote(uri)
