"""The database: transactions, versions, unreadable files."""

from __future__ import annotations

from pathlib import Path

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
