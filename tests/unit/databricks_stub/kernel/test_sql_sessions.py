"""Sessions of SQL clients: apart from each other, bounded, ended, and interrupted."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from sandbox.databricks_stub.kernel import sql_sessions
from sandbox.databricks_stub.kernel.sql_session import message, respond
from sandbox.databricks_stub.kernel.sql_sessions import SqlSessions, settings


class Frame:
    """A result with one number."""

    def __init__(self) -> None:
        self.schema = self
        self.fields: list[Any] = []

    def collect(self) -> list[Any]:
        """No rows."""
        return []


class Spark:
    """Remembers what it was told; a statement `wait` lasts until it is interrupted."""

    def __init__(self) -> None:
        self.catalog = self.conf = self.client = self
        self.told: list[tuple[str, ...]] = []
        self.began = threading.Event()
        self.interrupted = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return lambda *values: self.told.append((name, *values))

    def sql(self, statement: str) -> Frame:
        """Remember it."""
        self.told.append(("sql", statement))
        if statement == "wait":
            self.began.set()
            assert self.interrupted.wait(20)
        return Frame()

    def interruptTag(self, tag: str) -> None:  # noqa: N802 - Spark's name
        """Let what waits go on."""
        self.told.append(("interruptTag", tag))
        self.interrupted.set()


@pytest.fixture
def made() -> list[Spark]:
    """The Spark sessions, in the order in which they were made."""
    return []


@pytest.fixture
def sessions(made: list[Spark]) -> SqlSessions:
    """Sessions over fakes."""

    def make() -> Spark:
        made.append(Spark())
        return made[-1]

    return SqlSessions(make)


def begin(sessions: SqlSessions, session_id: str, **values: Any) -> None:
    """Open a session."""
    asked = {"kind": "open", "session_id": session_id, "catalog": "c", "schema": "s", "configuration": {}} | values
    respond(sessions, "none", asked)


def statement(text: str, session_id: str | None = None) -> dict[str, Any]:
    """What the workspace asks."""
    asked = {"kind": "statement", "statement": text, "statement_id": f"id of {text}", "session_id": session_id}
    return asked | {"parameters": [], "row_limit": 1, "catalog": "cat", "schema": "sch"}


def test_a_session_begins_where_it_was_told(sessions: SqlSessions, made: list[Spark]) -> None:
    """Catalog and schema once, not before each statement, or `USE` would not hold."""
    begin(sessions, "a", configuration={"TIMEZONE": "UTC", "query_tags": "x:y", "spark.sql.x": "1"})
    respond(sessions, "none", statement("USE x", "a"))

    assert made[0].told[:4] == [
        ("setCurrentCatalog", "c"),
        ("sql", "USE SCHEMA `s`"),
        ("set", "spark.sql.session.timeZone", "UTC"),
        ("set", "spark.sql.x", "1"),
    ]
    assert [told for told in made[0].told[4:] if "Tag" not in told[0]] == [("sql", "USE x")]


def test_other_statements_share_a_session(sessions: SqlSessions, made: list[Spark]) -> None:
    """Each of them names its own catalog and schema."""
    for _ in range(2):
        respond(sessions, "none", statement("SELECT 1"))

    assert len(made) == 1
    assert made[0].told.count(("setCurrentDatabase", "sch")) == 2


def test_a_session_that_ended_is_told(sessions: SqlSessions, made: list[Spark]) -> None:
    """It was closed, the engine ended, or it never was: nothing is executed in another one instead."""
    begin(sessions, "a")
    begin(sessions, "b")
    respond(sessions, "none", {"kind": "close", "session_id": "a"})
    sessions.forget()
    respond(sessions, "none", {"kind": "close", "session_id": "b"})

    for session_id in ("a", "b", "c"):
        with pytest.raises(LookupError, match=r"SESSION_NOT_FOUND\] Session . has ended"):
            respond(sessions, "none", statement("SELECT 1", session_id))
    assert made[0].told[-2:] == [("release_session",), ("close",)]


def test_the_quietest_of_too_many_ends(sessions: SqlSessions, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was used lately stays."""
    monkeypatch.setattr(sql_sessions, "MOST_SESSIONS", 2)
    begin(sessions, "a")
    begin(sessions, "b")
    sessions.named("a")

    begin(sessions, "c")

    assert [sessions.named(name).spark is not None for name in ("a", "c")] == [True, True]
    with pytest.raises(LookupError):
        sessions.named("b")


def test_a_running_statement_is_interrupted(sessions: SqlSessions, made: list[Spark]) -> None:
    """By its id, while others go on; one that does not run is no matter."""
    begin(sessions, "a")
    begin(sessions, "b")
    waiting = threading.Thread(target=respond, args=(sessions, "none", statement("wait", "a")))
    waiting.start()
    assert made[0].began.wait(20)

    respond(sessions, "none", statement("SELECT 1", "b"))
    respond(sessions, "none", {"kind": "interrupt", "statement_id": "unknown"})
    respond(sessions, "none", {"kind": "interrupt", "statement_id": "id of wait"})
    waiting.join(20)

    assert not waiting.is_alive()
    assert ("interruptTag", "id of wait") in made[0].told


def test_a_setting_that_nobody_knows_is_refused() -> None:
    """As Databricks' warehouses do; those of the warehouse itself are forgotten."""
    assert settings({"statement_timeout": "5", "spark.thriftserver.x": "false", "ansi_mode": "true"}) == {
        "spark.sql.ansi.enabled": "true"
    }
    with pytest.raises(ValueError, match=r"\[CONFIG_NOT_AVAILABLE\] Configuration made_up is not available"):
        settings({"made_up": "1"})


def test_a_message_begins_with_its_class() -> None:
    """Whatever the engine calls the error itself."""
    assert message(ValueError("Table not found: [TABLE_OR_VIEW_NOT_FOUND] No t")) == "[TABLE_OR_VIEW_NOT_FOUND] No t"
    assert message(ValueError("a: [b] c")) == "a: [b] c"
