"""The mirror of the warehouse in a session."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from sandbox.databricks_stub.kernel.sail.catalog import CatalogMirror, EngineRestarted
from sandbox.databricks_stub.kernel.sql_text.quoting import quoted
from sandbox.databricks_stub.kernel.warehouse import Warehouse


class Session:
    """Takes down what it is told."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.told: list[str] = []
        self.mirror = CatalogMirror(
            warehouse, catalog="projects", run=self.told.append, current_schema=lambda: "default"
        )

    def sync(self) -> list[str]:
        """What a sync tells it."""
        self.told.clear()
        self.mirror.sync()
        return list(self.told)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """A warehouse with one schema."""
    made = Warehouse(tmp_path / "warehouse")
    made.make_schema("default")
    return made


def make_table(warehouse: Warehouse, name: str, version: int = 0) -> None:
    """Make a table or give it another version."""
    log = warehouse.root / "default" / name / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    (log / f"{version:020d}.json").touch()


def test_a_session_is_told_everything_once(warehouse: Warehouse) -> None:
    """The first sync tells schemas, tables and then views; the second has nothing to tell."""
    make_table(warehouse, "t")
    warehouse.add_view(("default", "a_view"), "CREATE VIEW {name} AS SELECT '{name}'", current_schema="")
    session = Session(warehouse)

    told = session.sync()

    assert [" ".join(item.split()[:2]) for item in told] == [
        "DROP DATABASE",
        "CREATE DATABASE",
        "CREATE TABLE",
        "CREATE VIEW",
    ]
    assert told[-1] == "CREATE VIEW `projects`.`default`.`a_view` AS SELECT '{name}'"
    assert session.sync() == []


def test_changes_of_others_are_followed(warehouse: Warehouse) -> None:
    """A new version is registered anew, a table that is gone is dropped."""
    make_table(warehouse, "t")
    session = Session(warehouse)
    session.sync()

    make_table(warehouse, "t", version=1)
    changed = session.sync()
    warehouse.remove_table(("default", "t"))
    gone = session.sync()

    assert changed[-1].startswith("CREATE TABLE `projects`.`default`.`t`")
    assert gone == ["DROP TABLE IF EXISTS `projects`.`default`.`t`"]


def test_a_view_is_told_in_its_own_schema(warehouse: Warehouse) -> None:
    """A view of another schema is made there, and the session stays where it was."""
    warehouse.make_schema("silver")
    warehouse.add_view(("silver", "v"), "CREATE VIEW {name} AS SELECT 1", current_schema="silver")

    told = Session(warehouse).sync()

    assert told[-3] == "USE DATABASE `silver`"
    assert told[-1] == "USE DATABASE `default`"


def test_one_broken_table_does_not_hide_the_others(warehouse: Warehouse) -> None:
    """What cannot be registered is a warning."""
    make_table(warehouse, "broken")
    make_table(warehouse, "fine")
    session = Session(warehouse)

    def run(statement: str) -> None:
        if "`broken`" in statement:
            raise ValueError("no such log")
        session.told.append(statement)

    session.mirror._run = run
    with pytest.warns(UserWarning, match=r"default\.broken cannot be registered"):
        told = session.sync()

    assert "`fine`" in told[-1]


class Views(Session):
    """Takes a view only when what it reads is there."""

    def __init__(self, warehouse: Warehouse) -> None:
        super().__init__(warehouse)
        self.known: set[str] = set()
        self.mirror._run = self.run

    def run(self, statement: str) -> None:
        """Refuse as Sail does."""
        words = statement.replace("`", "").split()
        if words[0] == "DROP":
            self.known.discard(words[-1])
        elif words[1] in ("TABLE", "VIEW"):
            if words[1] == "VIEW" and words[-1] not in self.known:
                raise ValueError(f"table not found: {words[-1]}")
            self.known.add(words[2])


def add_view(warehouse: Warehouse, name: str, reads: str) -> None:
    """Make a view."""
    statement = f"CREATE VIEW {{name}} AS SELECT * FROM projects.default.{reads}"
    warehouse.add_view(("default", name), statement, current_schema="")


def test_views_may_read_views(warehouse: Warehouse) -> None:
    """In whatever order their names sort, and over several levels."""
    make_table(warehouse, "t")
    for name, reads in (("a", "b"), ("b", "c"), ("c", "t"), ("d", "c")):
        add_view(warehouse, name, reads)
    session = Views(warehouse)

    session.sync()

    assert session.known == {f"projects.default.{name}" for name in "abcdt"}


def test_a_view_is_there_when_what_it_reads_is_there(warehouse: Warehouse) -> None:
    """What cannot be registered is warned of once, remembered, and tried again after a change."""
    add_view(warehouse, "a", "b")
    session = Views(warehouse)
    with pytest.warns(UserWarning, match=r"the view default\.a cannot be registered: table not found"):
        session.sync()
    assert session.mirror.entry(("default", "a"))

    with warnings.catch_warnings(action="error"):
        make_table(warehouse, "t")
        session.sync()
        add_view(warehouse, "b", "t")
        session.sync()

    assert session.known == {f"projects.default.{name}" for name in "abt"}


def test_a_lost_session_says_so(warehouse: Warehouse) -> None:
    """After a new engine, statements are refused until the session starts again and is told everything."""
    make_table(warehouse, "t")
    session = Session(warehouse)
    session.sync()

    warehouse.announce_engine()

    with pytest.raises(EngineRestarted, match="Run the notebook again"):
        session.sync()
    assert session.mirror.start_again()
    assert "CREATE TABLE" in session.sync()[-1]
    assert not session.mirror.start_again()


def test_names_are_quoted() -> None:
    """Backticks in names are doubled."""
    assert quoted("a", "b`c") == "`a`.`b``c`"
