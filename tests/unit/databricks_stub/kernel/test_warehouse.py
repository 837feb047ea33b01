"""The warehouse folder."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.databricks_stub.kernel.warehouse import Warehouse, safe_path


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """A warehouse with a schema and a managed table in it."""
    made = Warehouse(tmp_path / "warehouse")
    made.make_schema("default")
    commit(made, "t", 0)
    return made


def commit(warehouse: Warehouse, table: str, version: int) -> None:
    """Write an empty commit."""
    log = warehouse.root / "default" / table / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    (log / f"{version:020d}.json").touch()


def test_a_folder_with_a_log_is_a_managed_table(warehouse: Warehouse) -> None:
    """Folders with commits are tables; other folders, and hidden ones, are not."""
    (warehouse.root / "default" / "not_a_table").mkdir()
    commit(warehouse, ".hidden", 0)

    found = warehouse.snapshot()

    assert found.schemas == ("default",)
    assert list(found.entries) == [("default", "t")]
    assert found.entries["default", "t"].is_managed


def test_a_commit_changes_what_is_seen(warehouse: Warehouse) -> None:
    """A table with a new version is not equal to what it was, so sessions are told again."""
    before = warehouse.snapshot()
    assert warehouse.snapshot() == before

    commit(warehouse, "t", 1)

    assert warehouse.snapshot() != before


def test_views_and_external_tables_are_remembered(warehouse: Warehouse) -> None:
    """Another Warehouse over the same folder knows them until they are forgotten."""
    warehouse.add_view(("default", "v"), "CREATE VIEW {name} AS SELECT 1", current_schema="default")
    warehouse.add_table(("default", "e"), "CREATE TABLE {name} USING csv LOCATION '/x'", location="/x")

    found = Warehouse(warehouse.root).snapshot().entries
    warehouse.forget(("default", "v"))

    assert found["default", "v"].is_view
    assert found["default", "e"].location == "/x"
    assert ("default", "v") not in warehouse.snapshot().entries


def test_many_may_register_at_once(warehouse: Warehouse) -> None:
    """No registration is lost when several write at the same time."""
    names = [f"v{number}" for number in range(20)]
    threads = [
        threading.Thread(
            target=Warehouse(warehouse.root).add_view, args=(("default", name), "x"), kwargs={"current_schema": ""}
        )
        for name in names
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {name for _, name in warehouse.snapshot().entries} == {*names, "t"}


def test_a_removed_table_is_gone_with_its_data(warehouse: Warehouse) -> None:
    """Removing a managed table leaves nothing behind."""
    warehouse.remove_table(("default", "t"))

    assert not warehouse.snapshot().entries
    assert list((warehouse.root / "default").iterdir()) == []


def test_a_removed_schema_takes_its_views_along(warehouse: Warehouse) -> None:
    """Removing a schema removes its folder and what the registry has of it."""
    warehouse.add_view(("default", "v"), "x", current_schema="")

    warehouse.remove_schema("default")

    assert warehouse.snapshot().schemas == ()
    warehouse.make_schema("default")
    assert not warehouse.snapshot().entries


def test_a_schema_may_go_while_it_is_looked_at(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another session drops in the middle of a look is not there, and no error."""
    warehouse.make_schema("gone")
    scandir = os.scandir

    def removing(folder: Any) -> Iterator[os.DirEntry[str]]:
        if folder == str(warehouse.root / "gone"):
            warehouse.remove_schema("gone")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", removing)

    assert warehouse.snapshot().schemas == ("default",)


def test_a_folder_with_spaces_is_reached_by_a_link(tmp_path: Path) -> None:
    """A path that the engine cannot handle gets a link without spaces, always the same."""
    folder = tmp_path / "my projects" / "warehouse"
    folder.mkdir(parents=True)

    found = safe_path(folder)

    assert " " not in str(found)
    assert found.resolve() == folder.resolve()
    assert safe_path(folder) == found
    found.unlink()


def test_a_new_engine_is_told_from_the_last(warehouse: Warehouse) -> None:
    """Each announced engine has another mark."""
    warehouse.announce_engine()
    first = warehouse.engine()

    warehouse.announce_engine()

    assert first
    assert warehouse.engine() != first
