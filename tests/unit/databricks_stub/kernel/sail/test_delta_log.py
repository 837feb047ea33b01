"""Delta's log."""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from sandbox.databricks_stub.kernel.sail import delta_log, maintenance


def schema(*fields: dict[str, Any]) -> str:
    """A schema as the log has it."""
    return json.dumps({"type": "struct", "fields": list(fields)})


def field(name: str, kind: Any = "integer", *, nullable: bool = True) -> dict[str, Any]:
    """A field of a schema."""
    return {"name": name, "type": kind, "nullable": nullable, "metadata": {}}


def write(folder: Path, version: int, *actions: dict[str, Any]) -> None:
    """Write a commit as the engine does, in the second of its number; the writer's clock is a minute late."""
    log = folder / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    information = {
        "commitInfo": {"timestamp": 1000 * version - 60_000, "operation": "WRITE", "operationMetrics": {"numFiles": 1}}
    }
    lines = [json.dumps(item) for item in (information, *actions)]
    commit = log / f"{version:020d}.json"
    commit.write_text("\n".join(lines) + "\n", encoding="utf-8")
    os.utime(commit, (version, version))


def add(folder: Path, name: str, *, age_seconds: float = 0) -> dict[str, Any]:
    """A data file and its action."""
    (folder / name).write_bytes(b"12345")
    moment = time.time() - age_seconds
    os.utime(folder / name, (moment, moment))
    return {"add": {"path": name, "size": 5, "partitionValues": {}, "dataChange": True}}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of two versions: one file, and another instead of it."""
    folder = tmp_path / "t"
    folder.mkdir()
    metadata = {"metaData": {"id": "x", "schemaString": schema(field("a", nullable=False)), "partitionColumns": []}}
    write(folder, 0, {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}, metadata, add(folder, "one.parquet"))
    gone = {"remove": {"path": "one.parquet", "deletionTimestamp": 0, "dataChange": True}}
    write(folder, 1, add(folder, "two.parquet"), gone)
    return folder


def test_the_state_is_what_the_commits_make(table: Path) -> None:
    """A version has the files that were added and not removed up to it."""
    assert list(delta_log.read_state(table).files) == ["two.parquet"]
    assert list(delta_log.read_state(table, 0).files) == ["one.parquet"]


def test_a_missing_version_says_which_there_are(table: Path) -> None:
    """An unknown version is an error that names the known ones."""
    with pytest.raises(LookupError, match="0 to 1"):
        delta_log.read_state(table, 7)


def test_features_that_are_not_read_are_refused(table: Path) -> None:
    """A table with deletion vectors is never read as if it had none."""
    write(table, 2, {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors"]}})

    with pytest.raises(NotImplementedError, match="deletionVectors"):
        delta_log.read_state(table)


def test_only_one_writes_a_version(table: Path) -> None:
    """A version that exists is never written over."""
    delta_log.add_commit(table, 2, "TEST", {}, [])

    with pytest.raises(delta_log.ConcurrentChange, match="version 2"):
        delta_log.add_commit(table, 2, "TEST", {}, [])
    assert delta_log.newest(table) == 2
    assert not list((table / "_delta_log").glob(".*"))


def test_new_columns_become_nullable(table: Path) -> None:
    """Columns of a query may be NULL in the table, nested ones too; what was NOT NULL before stays so when asked."""
    nested = {
        "type": "array",
        "elementType": {"type": "struct", "fields": [field("x", nullable=False)]},
        "containsNull": False,
    }
    wider = schema(field("a", nullable=False), field("b", nested, nullable=False))
    write(table, 2, {"metaData": {"id": "x", "schemaString": wider, "partitionColumns": []}})
    checksum = table / "_delta_log" / f"{2:020d}.crc"
    checksum.touch()

    assert delta_log.allow_nulls(table, since=1, keep_known=True)

    a, b = delta_log.read_state(table).schema["fields"]
    assert (a["nullable"], b["nullable"], b["type"]["containsNull"]) == (False, True, True)
    assert b["type"]["elementType"]["fields"][0]["nullable"]
    assert not checksum.exists()
    assert not delta_log.allow_nulls(table, since=1, keep_known=True)


def test_columns_are_added(table: Path) -> None:
    """A commit widens the schema; a name that is there, and NOT NULL, are refused."""
    delta_log.add_columns(table, [field("b")])

    assert [item["name"] for item in delta_log.read_state(table).schema["fields"]] == ["a", "b"]
    with pytest.raises(ValueError, match="already"):
        delta_log.add_columns(table, [field("A")])
    with pytest.raises(ValueError, match="NOT NULL"):
        delta_log.add_columns(table, [field("c", nullable=False)])


def test_history_is_newest_first(table: Path) -> None:
    """Each commit is a row with its metrics as text, and the time by which TIMESTAMP AS OF finds it: its file's."""
    rows = maintenance.history(table)

    assert [row[0] for row in rows] == [1, 0]
    assert rows[0][1] == dt.datetime(1970, 1, 1, 0, 0, 1, tzinfo=dt.UTC)
    assert rows[0][12] == {"numFiles": "1"}
    assert len(rows[0]) == len(maintenance.HISTORY_SCHEMA.replace("MAP<STRING, STRING>", "MAP").split(", "))


def test_a_version_is_restored_by_another_commit(table: Path) -> None:
    """The table is what it was, and the history goes on."""
    metrics = maintenance.restore(table, 0)

    assert list(delta_log.read_state(table).files) == ["one.parquet"]
    assert (metrics["num_restored_files"], metrics["num_removed_files"]) == (1, 1)
    assert delta_log.newest(table) == 2


def test_a_version_without_its_files_is_not_restored(table: Path) -> None:
    """What VACUUM has removed cannot come back, and nothing is written."""
    (table / "one.parquet").unlink()

    with pytest.raises(FileNotFoundError, match=r"one\.parquet"):
        maintenance.restore(table, 0)
    assert delta_log.newest(table) == 1


def test_vacuum_removes_what_is_old_and_unused(table: Path) -> None:
    """Files of the table and young files stay; a dry run removes nothing."""
    old = 10 * 24 * 3600
    add(table, "two.parquet", age_seconds=old)
    add(table, "leftover.parquet", age_seconds=old)
    add(table, "being-written.parquet")

    told = maintenance.vacuum(table, retention_hours=168, dry_run=True)
    done = maintenance.vacuum(table, retention_hours=168, dry_run=False)

    assert told == done == [str(table / "leftover.parquet")]
    assert {path.name for path in table.glob("*.parquet")} == {"one.parquet", "two.parquet", "being-written.parquet"}


def test_a_moment_names_a_version(table: Path) -> None:
    """The version at a moment is the newest before it; before the first and after the last there is none."""
    first, last = (maintenance.history(table)[at][1] for at in (-1, 0))

    assert maintenance.version_at(table, first) == 0
    assert maintenance.version_at(table, last) == delta_log.newest(table)
    with pytest.raises(LookupError, match="TIMESTAMP_EARLIER"):
        maintenance.version_at(table, first - dt.timedelta(milliseconds=1))
    with pytest.raises(LookupError, match="TIMESTAMP_GREATER"):
        maintenance.version_at(table, last + dt.timedelta(milliseconds=1))
