"""The database: transactions, versions, unreadable files."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from sandbox.databricks_stub.store import open_workspace
from sandbox.databricks_stub.store.database import Database, DatabaseError
from tests.unit.databricks_stub.fakes import CountingIds, FakeClock


def test_a_transaction_happens_whole_or_not_at_all(tmp_path: Path) -> None:
    """Also when it is nested."""
    database = Database(tmp_path / "db")

    with pytest.raises(ZeroDivisionError), database.transaction():
        database.execute("insert into idempotency_tokens values ('a', 1)")
        with database.transaction():
            database.execute("insert into idempotency_tokens values ('b', 1)")
        _ = 1 / 0

    assert database.rows("select * from idempotency_tokens") == []
    database.close()


def test_what_was_written_is_there_after_reopening(tmp_path: Path) -> None:
    """Jobs, for one."""
    first = open_workspace(tmp_path, FakeClock(), CountingIds())
    job_id = first.jobs.create({"name": "one"})
    first.close()

    second = open_workspace(tmp_path, FakeClock(), CountingIds())

    found = second.jobs.find(job_id)
    assert found is not None
    assert found.settings == {"name": "one"}
    second.close()


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    """With what to do about it."""
    (tmp_path / "db").write_text("this is no database, it is a text of some length" * 100)

    with pytest.raises(DatabaseError, match="move the file away"):
        Database(tmp_path / "db")


def test_a_database_of_another_version_is_told(tmp_path: Path) -> None:
    """Rather than misread."""
    database = Database(tmp_path / "db")
    database.execute("pragma user_version=99")
    database.close()

    with pytest.raises(DatabaseError, match="schema 99, not 1"):
        Database(tmp_path / "db")


class Refusing:
    """A connection as on a full disk: one statement fails, with or without a rollback by SQLite itself."""

    def __init__(self, real: sqlite3.Connection, *, refused: str, rolls_back: bool) -> None:
        self._real = real
        self._refused = refused
        self._rolls_back = rolls_back

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def execute(self, sql: str, *arguments: Any) -> Any:
        """Fail for the refused statement."""
        if sql.startswith(self._refused):
            if self._rolls_back:
                self._real.rollback()
            raise sqlite3.OperationalError("database or disk is full")
        return self._real.execute(sql, *arguments)


@pytest.mark.parametrize("refused", ["insert", "commit"])
@pytest.mark.parametrize("rolls_back", [True, False])
def test_a_full_disk_is_told_and_leaves_nothing_open(tmp_path: Path, refused: str, rolls_back: bool) -> None:
    """SQLite's own words come out, nothing half done stays, and the next change works."""
    database = Database(tmp_path / "db")
    real = database._connection
    database._connection = Refusing(real, refused=refused, rolls_back=rolls_back)  # type: ignore[assignment]

    with pytest.raises(sqlite3.OperationalError, match="database or disk is full"):
        database.execute("insert into idempotency_tokens values ('a', 1)")

    database._connection = real
    assert database.rows("select * from idempotency_tokens") == []
    database.execute("insert into idempotency_tokens values ('b', 1)")
    assert [row["token"] for row in database.rows("select * from idempotency_tokens")] == ["b"]
    database.close()
