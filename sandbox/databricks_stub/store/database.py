"""The workspace's SQLite file: one connection under a lock, write-ahead logged: a kill loses nothing accepted.

`synchronous=normal` syncs at checkpoints only: a killed process loses nothing, a power cut may lose the last moments.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 1
SCHEMA = """
create table jobs (
    job_id integer primary key, settings text not null, created_time integer not null,
    bundle_digest text, deleted integer not null default 0);
create table job_runs (
    run_id integer primary key, sequence integer not null unique, job_id integer not null,
    run_name text not null, run_type text not null,
    settings text not null, overriding text not null, only_tasks text not null,
    life_cycle_state text not null, result_state text, state_message text not null default '',
    created_time integer not null, start_time integer, end_time integer,
    cancel_requested integer not null default 0, repairs text not null default '[]',
    deleted integer not null default 0);
create index job_runs_by_job on job_runs (job_id, created_time);
create index job_runs_by_state on job_runs (life_cycle_state);
create table task_runs (
    run_id integer primary key, job_run_id integer not null references job_runs, task_key text not null,
    position integer not null, attempt integer not null,
    life_cycle_state text not null, result_state text, state_message text not null default '',
    start_time integer, end_time integer, not_before integer,
    cancel_requested integer not null default 0, interruptions integer not null default 0,
    retries integer not null default 0,
    outcome text not null default '{}', unique (job_run_id, task_key, attempt));
create table idempotency_tokens (token text primary key, run_id integer not null);
create table statements (
    statement_id text primary key, request text not null, state text not null, error text,
    result text, created_time integer not null);
create table objects (
    path text primary key, object_id integer not null, object_type text not null, language text, format text,
    content blob, created_time integer not null, modified_time integer not null);
"""


class DatabaseError(Exception):
    """The database file cannot be used; the message says why and what to do."""


class Database:
    """One connection for the whole process; every use takes its lock, every change is one transaction."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        self._connection.row_factory = sqlite3.Row
        self._depth = 0
        try:
            self._prepare(path)
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise DatabaseError(f"{path}: {error}; move the file away to start with an empty workspace") from error
        except DatabaseError:
            self._connection.close()
            raise

    def _prepare(self, path: Path) -> None:
        for pragma in ("journal_mode=wal", "synchronous=normal", "foreign_keys=on"):
            self._connection.execute(f"pragma {pragma}")
        with self.transaction():
            version = self._connection.execute("pragma user_version").fetchone()[0]
            if version == 0:
                for statement in filter(str.strip, SCHEMA.split(";")):
                    self._connection.execute(statement)
                self._connection.execute(f"pragma user_version={SCHEMA_VERSION}")
            elif version != SCHEMA_VERSION:
                raise DatabaseError(
                    f"{path} was written by another version of the sandbox (schema {version}, not {SCHEMA_VERSION}); "
                    "move the file away to start with an empty workspace"
                )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes inside happen together or not at all; transactions nest into the outermost."""
        with self._lock:
            outermost = self._depth == 0
            if outermost:
                self._connection.execute("begin immediate")
            self._depth += 1
            try:
                yield
                if outermost:
                    self._connection.execute("commit")
            except BaseException:
                # Documented: https://sqlite.org/lang_transaction.html - on a full disk SQLite may have rolled back by
                # itself; doing so again would hide what happened behind "no transaction is active".
                if outermost and self._connection.in_transaction:
                    self._connection.execute("rollback")
                raise
            finally:
                self._depth -= 1

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run one change; the number of rows it touched."""
        with self.transaction():
            return self._connection.execute(sql, parameters).rowcount

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._lock:
            return self._connection.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._connection.close()


def dump(value: Any) -> str:
    """JSON text as it is kept in a column."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
