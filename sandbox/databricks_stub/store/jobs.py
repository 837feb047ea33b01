"""Jobs made or changed through the API; the jobs of the bundle are in its file and only their changes are kept here."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.databricks_stub.clock import Clock, Ids
from sandbox.databricks_stub.store.database import Database, dump


@dataclass(frozen=True, kw_only=True)
class StoredJob:
    """A row of jobs; `bundle_digest` is set when it overrides (or hides) the bundle's job of that very digest."""

    job_id: int
    settings: Mapping[str, Any]
    created_time: int
    bundle_digest: str | None
    deleted: bool


class JobStore:
    """Definitions of jobs, durable."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids

    def create(self, settings: Mapping[str, Any]) -> int:
        """Keep a new job; its id."""
        job_id = self._ids.number()
        self._database.execute(
            "insert into jobs (job_id, settings, created_time) values (?, ?, ?)",
            (job_id, dump(settings), self._clock.now_ms()),
        )
        return job_id

    def put(self, job_id: int, settings: Mapping[str, Any], *, bundle_digest: str | None, created_time: int) -> None:
        """Keep new settings of a job, whether the row exists or the bundle had the job until now."""
        self._database.execute(
            "insert into jobs (job_id, settings, created_time, bundle_digest) values (?, ?, ?, ?) "
            "on conflict (job_id) do update set settings=excluded.settings, "
            "bundle_digest=excluded.bundle_digest, deleted=0",
            (job_id, dump(settings), created_time, bundle_digest),
        )

    def delete(self, job_id: int, *, bundle_digest: str | None) -> None:
        """Forget a job, or hide the bundle's job until the bundle's definition changes."""
        self._database.execute(
            "insert into jobs (job_id, settings, created_time, bundle_digest, deleted) values (?, '{}', ?, ?, 1) "
            "on conflict (job_id) do update set deleted=1, bundle_digest=excluded.bundle_digest",
            (job_id, self._clock.now_ms(), bundle_digest),
        )

    def find(self, job_id: int) -> StoredJob | None:
        """The row of a job, deleted ones too."""
        row = self._database.row("select * from jobs where job_id=?", (job_id,))
        return None if row is None else _job(row)

    def all(self) -> list[StoredJob]:
        """Every row, deleted ones too, oldest first."""
        return [_job(row) for row in self._database.rows("select * from jobs order by created_time, job_id")]


def _job(row: sqlite3.Row) -> StoredJob:
    return StoredJob(
        job_id=row["job_id"],
        settings=json.loads(row["settings"]),
        created_time=row["created_time"],
        bundle_digest=row["bundle_digest"],
        deleted=bool(row["deleted"]),
    )
