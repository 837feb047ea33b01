"""What several commands print: the tables with their rows, also where one of them cannot be read."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from sandbox.cli.shown import table_rows
from sandbox.clients.databricks import DatabricksClient
from sandbox.errors import ServiceNotHealthy, TestsFailed
from sandbox.services.spec import ServiceContext

CONTEXT = cast(
    "ServiceContext",
    SimpleNamespace(config=SimpleNamespace(databricks=SimpleNamespace(catalog="projects", schemas=("default",)))),
)


class Workspace:
    """Two tables and a view; what reads an unreadable one fails."""

    def __init__(self, *unreadable: str) -> None:
        self.unreadable = unreadable
        self.statements: list[str] = []

    def sql(self, statement: str, *, catalog: str, schema: str) -> dict[str, Any]:
        """Answer as the client does."""
        self.statements.append(statement)
        if statement.startswith("SHOW TABLES"):
            return {"columns": ["tableName"], "rows": [["users"], ["a_view"], ["posts"]]}
        if any(f"`{name}`" in statement for name in self.unreadable):
            raise TestsFailed("the statement failed: BAD_REQUEST", why="no such file\nand more", next_command="")
        names = [name for name in ("a_view", "posts", "users") if f"`{name}`" in statement]
        return {"columns": [], "rows": [[name, 7] for name in names] if len(names) > 1 else [[7]]}


def counted(workspace: Workspace) -> tuple[dict[object, object], list[str]]:
    """The rows by table, and the notes."""
    notes: list[str] = []
    found = table_rows(cast("DatabricksClient", workspace), CONTEXT, notes.append)
    return {item["name"]: item["rows"] for item in found}, notes


def test_all_tables_are_counted_by_one_statement() -> None:
    """In order."""
    workspace = Workspace()

    rows, notes = counted(workspace)

    assert list(rows.items()) == [
        ("projects.default.a_view", 7),
        ("projects.default.posts", 7),
        ("projects.default.users", 7),
    ]
    assert notes == []
    assert len(workspace.statements) == 2


def test_one_that_cannot_be_read_hides_no_other() -> None:
    """It has no rows, and a note says which it is and why."""
    rows, notes = counted(Workspace("a_view"))

    assert rows == {"projects.default.a_view": None, "projects.default.posts": 7, "projects.default.users": 7}
    assert notes == ["projects.default.a_view is not counted: no such file"]


def test_a_workspace_that_does_not_answer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is not the fault of a table."""
    workspace = Workspace()

    def gone(*_: object, **__: object) -> dict[str, Any]:
        raise ServiceNotHealthy("databricks does not answer")

    monkeypatch.setattr(workspace, "sql", gone)

    with pytest.raises(ServiceNotHealthy):
        counted(workspace)
