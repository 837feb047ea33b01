"""FakeWorkspace: all durable state of the workspace, one small store class per resource, clock and ids injected."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sandbox.databricks_stub.clock import Clock, Ids
from sandbox.databricks_stub.store.database import Database
from sandbox.databricks_stub.store.jobs import JobStore
from sandbox.databricks_stub.store.objects import ObjectStore
from sandbox.databricks_stub.store.runs import RunStore
from sandbox.databricks_stub.store.statements import StatementStore

DATABASE_NAME = "workspace.sqlite3"


@dataclass(frozen=True, kw_only=True)
class FakeWorkspace:
    """The stores of one workspace over one database."""

    database: Database
    jobs: JobStore
    runs: RunStore
    statements: StatementStore
    objects: ObjectStore

    def close(self) -> None:
        """Release the database file."""
        self.database.close()


def open_workspace(state_dir: Path, clock: Clock, ids: Ids) -> FakeWorkspace:
    """The workspace whose database lies in `state_dir`; made when missing."""
    database = Database(state_dir / DATABASE_NAME)
    return FakeWorkspace(
        database=database,
        jobs=JobStore(database, clock, ids),
        runs=RunStore(database, clock, ids),
        statements=StatementStore(database, clock, ids),
        objects=ObjectStore(database, clock, ids),
    )
