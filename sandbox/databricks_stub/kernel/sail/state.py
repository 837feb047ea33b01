"""SessionState: what the bridges know of a session; it hangs on the session object, so it goes when that goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.kernel.sail import delta_log
from sandbox.databricks_stub.kernel.sail.catalog import CatalogMirror
from sandbox.databricks_stub.kernel.sail.names import Names
from sandbox.databricks_stub.kernel.sql_text.statements import name_parts
from sandbox.databricks_stub.kernel.volumes.paths import VolumePaths
from sandbox.databricks_stub.kernel.warehouse import Name, Warehouse

ATTRIBUTE = "_sandbox_state"
COMPUTED = ("CURRENT_DEFAULT", "delta.identity.", "delta.generationExpression")
"""How the metadata of a computed column's field begins; others have metadata, too (comments, a DataFrame's own)."""


class SessionState:
    """One session's warehouse, volumes and names."""

    def __init__(
        self,
        *,
        spark: Any,
        catalog: str,
        default_schema: str,
        volumes: Mapping[str, str],
        aws: Mapping[str, str],
        run: Callable[[str], Any],
        warehouse: Warehouse,
    ) -> None:
        self.catalog = catalog
        self.default_schema = default_schema
        self.volumes = VolumePaths(volumes)
        self.aws = aws
        self.warehouse = warehouse
        self.current_schema: Callable[[], str] = lambda: str(spark.catalog.currentDatabase())
        self.mirror = CatalogMirror(warehouse, catalog=catalog, run=run, current_schema=self.current_schema)
        self._spark = spark
        self.names = Names(
            catalog=catalog,
            known=lambda: self.mirror.seen,
            current_schema=self.current_schema,
            is_temporary=self.is_temporary,
        )
        spark.__dict__[ATTRIBUTE] = self

    @staticmethod
    def of(spark: Any) -> SessionState:
        """The state of a session that create_session made."""
        found = SessionState.find(spark)
        if found is None:
            raise RuntimeError("this Spark session was not made by create_session")
        return found

    @staticmethod
    def find(spark: Any) -> SessionState | None:
        """The state of a session; None when it is somebody else's."""
        found: SessionState | None = spark.__dict__.get(ATTRIBUTE)
        return found

    def qualify(self, name: str | tuple[str, ...]) -> Name | None:
        """The schema and the table of a name; None when it is not in this catalog but, say, a path."""
        match self.names.table(name_parts(name) if isinstance(name, str) else name):
            case (table,):
                return self.current_schema(), table
            case ("delta" | "parquet" | "csv" | "json" | "text" | "global_temp", _):
                return None
            case (schema, table):
                return schema, table
            case (catalog, schema, table) if catalog == self.catalog:
                return schema, table
            case _:
                return None

    def is_temporary(self, name: str) -> bool:
        """Whether a name is that of a temporary view."""
        return any(item.isTemporary and item.name == name for item in self._spark.catalog.listTables())

    def location(self, name: Name, path: str = "") -> Path | None:
        """The folder where a Delta table is or would be made; None when that is not on this machine."""
        entry = self.mirror.entry(name)
        found = (entry.location if entry and not entry.is_managed else "") or path
        if found:
            return Path(found.removeprefix("file://")) if found.startswith(("/", "file:///")) else None
        return self.warehouse.root / name[0] / name[1]

    def computes_columns(self, name: Name) -> bool:
        """Whether a table has columns with a default, an identity or an expression."""
        folder = self.location(name)
        if folder is None or delta_log.newest(folder) < 0:
            return False
        names = {name for field in delta_log.read_state(folder).schema["fields"] for name in field.get("metadata", {})}
        return any(name.startswith(COMPUTED) for name in names)

    def folder(self, name: str | tuple[str, ...]) -> Path:
        """The folder of a Delta table that is on this machine; raises when there is none."""
        parts = name_parts(name) if isinstance(name, str) else name
        if len(parts) == 2 and parts[0] == "delta":
            return Path(self.volumes.plain(parts[1]))
        found = self.qualify(parts)
        entry = self.mirror.entry(found) if found else None
        if found is None or entry is None or entry.is_view:
            from pyspark.errors import AnalysisException

            raise AnalysisException(f"[DELTA_MISSING_DELTA_TABLE] {'.'.join(parts)} is not a Delta table.")
        if entry.is_managed:
            return self.warehouse.root / found[0] / found[1]
        if not entry.location.startswith("/"):
            raise NotImplementedError(
                f"{'.'.join(parts)} lies at {entry.location}; the local engine reads the log of Delta tables on this "
                "machine only"
            )
        return Path(entry.location)
