"""CatalogMirror: keeps the catalog of one Sail session equal to the warehouse folder.

Sail's memory catalog belongs to a session and forgets; so each session is told what there is when it is made, and again
before each statement, which costs a look at a few folders when nothing has changed.
"""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.databricks_stub.kernel.sql_text.quoting import quoted, sql_string
from sandbox.databricks_stub.kernel.warehouse import Entry, Name, Snapshot, Warehouse

TABLE_BEFORE_VIEW = False, True


class EngineRestarted(RuntimeError):
    """The engine that had this session is no more."""


class CatalogMirror:
    """What of the warehouse a session has been told; `run` executes one SQL command in it, unbridged."""

    def __init__(
        self, warehouse: Warehouse, *, catalog: str, run: Callable[[str], Any], current_schema: Callable[[], str]
    ) -> None:
        self.warehouse = warehouse
        self.catalog = catalog
        self._run = run
        self._current_schema = current_schema
        self._seen = self._told = Snapshot(schemas=())
        """What the warehouse had at the last look, and what of it is registered: broken tables and views are not."""
        self._lock = threading.RLock()
        self._engine = warehouse.engine()

    def sync(self) -> None:
        """Tell the session what has changed in the warehouse; raises EngineRestarted when the session is lost."""
        with self._lock:
            if self.warehouse.engine() != self._engine:
                raise EngineRestarted(
                    "[SESSION_CLOSED] the Spark engine was started anew, so this session's temporary views and "
                    "settings are gone. Run the notebook again from its beginning"
                )
            now = self.warehouse.snapshot()
            if now == self._seen:
                return
            before = self._told
            for schema in now.schemas:
                if schema not in before.schemas:
                    self._tell_schema(schema)
            for name, entry in before.entries.items():
                if now.entries.get(name) != entry and name[0] in now.schemas:
                    self._run(f"DROP {_kind(entry)} IF EXISTS {quoted(self.catalog, *name)}")
            changed = {name: entry for name, entry in now.entries.items() if before.entries.get(name) != entry}
            failed = self._tell_all(changed)
            for name, error in failed.items():
                if self._seen.entries.get(name) != changed[name]:
                    kind = "view" if changed[name].is_view else "table"
                    warnings.warn(f"the {kind} {'.'.join(name)} cannot be registered: {error}", stacklevel=2)
            for schema in before.schemas:
                if schema not in now.schemas:
                    self._run(f"DROP DATABASE IF EXISTS {quoted(self.catalog, schema)} CASCADE")
            # what failed is tried again when the warehouse has changed: what it reads may be there then
            told = {name: entry for name, entry in now.entries.items() if name not in failed}
            self._seen, self._told = now, Snapshot(schemas=now.schemas, entries=told)

    def start_again(self) -> bool:
        """After the engine was started anew, take the session as one that knows nothing; whether that was so."""
        with self._lock:
            engine = self.warehouse.engine()
            if engine == self._engine:
                return False
            with contextlib.suppress(Exception):
                # the connection's first call still asks for what the old engine was doing
                self._run("SELECT 1")
            self._engine = engine
            self._seen = self._told = Snapshot(schemas=())
            return True

    @property
    def seen(self) -> Snapshot:
        """What the warehouse had when it was last looked at."""
        return self._seen

    def entry(self, name: Name) -> Entry | None:
        """What the warehouse had under a name when it was last looked at."""
        return self._seen.entries.get(name)

    def _tell_schema(self, schema: str) -> None:
        name = quoted(self.catalog, schema)
        # the initial database of the memory catalog has no location, and none can be given to it
        self._run(f"DROP DATABASE IF EXISTS {name} CASCADE")
        self._run(f"CREATE DATABASE {name} LOCATION {sql_string(str(self.warehouse.schema_location(schema)))}")

    def _tell_all(self, changed: Mapping[Name, Entry]) -> Mapping[Name, Exception]:
        """Tell of tables, then of views in rounds, for views read views; returns those that cannot be registered."""
        failed: dict[Name, Exception] = {}
        for is_view in TABLE_BEFORE_VIEW:
            left = {name: entry for name, entry in sorted(changed.items()) if entry.is_view is is_view}
            while left:
                errors = {name: error for name, entry in left.items() if (error := self._tell(name, entry))}
                if not is_view or len(errors) == len(left):
                    failed |= errors
                    break
                left = {name: left[name] for name in errors}
        return failed

    def _tell(self, name: Name, entry: Entry) -> Exception | None:
        full = quoted(self.catalog, *name)
        try:
            if self._told.schemas:
                # the session may have made it itself
                self._run(f"DROP {_kind(entry)} IF EXISTS {full}")
            self._run_in(entry.current_schema, entry.statement.replace("{name}", full, 1))
        except Exception as error:
            # one broken table must not make all others unreachable; using it says "not found"
            return error
        return None

    def _run_in(self, schema: str, statement: str) -> None:
        current = self._current_schema() if schema else ""
        if schema == current:
            self._run(statement)
            return
        self._run(f"USE DATABASE {quoted(schema)}")
        try:
            self._run(statement)
        finally:
            self._run(f"USE DATABASE {quoted(current)}")


def _kind(entry: Entry) -> str:
    return "VIEW" if entry.is_view else "TABLE"
