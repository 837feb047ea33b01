"""SQL statements over HTTP."""

from __future__ import annotations

import sqlite3
import threading
from typing import Any

import pytest

from sandbox.databricks_stub import statement_runner
from sandbox.databricks_stub.settings import WAREHOUSE_PATH
from tests.unit.databricks_stub.fakes import FakeRunner, Harness

PATH = "/2.0/sql/statements"


def test_a_statement_answers_with_its_rows(harness: Harness) -> None:
    """Values as texts, columns with their types, the catalog and schema of the settings."""
    answer = harness.post(PATH, statement="select 3", warehouse_id="x", parameters=[{"name": "a", "value": "1"}])

    assert answer["status"] == {"state": "SUCCEEDED"}
    assert answer["manifest"]["schema"]["columns"] == [
        {"name": "n", "type_text": "int", "type_name": "INT", "position": 0}
    ]
    assert answer["result"]["data_array"] == [["0"], ["1"], ["2"]]
    assert harness.runner.statements == [("select 3", [{"name": "a", "value": "1"}], "projects", "default")]
    again = harness.get(f"{PATH}/{answer['statement_id']}")
    assert again == answer
    assert harness.get(f"{PATH}/{answer['statement_id']}/result/chunks/0") == answer["result"]


def test_a_row_limit_truncates(harness: Harness) -> None:
    """And says so."""
    answer = harness.post(PATH, statement="select 9", warehouse_id="x", row_limit=2, catalog="c", schema="s")

    assert (len(answer["result"]["data_array"]), answer["manifest"]["truncated"]) == (2, True)
    assert harness.runner.statements[0][2:] == ("c", "s")


def test_a_wrong_statement_fails_with_the_engines_words(harness: Harness) -> None:
    """The HTTP status is 200, as on Databricks."""
    answer = harness.post(PATH, statement="select wrong", warehouse_id="x")

    assert answer["status"] == {
        "state": "FAILED",
        "error": {"error_code": "BAD_REQUEST", "message": "cannot resolve wrong"},
    }


def test_a_client_need_not_wait(harnesses: Any) -> None:
    """wait_timeout 0s answers at once; the statement is asked for later."""
    harness: Harness = harnesses(runner=FakeRunner(sql_gate=threading.Event())).start()
    assert harness.runner.sql_gate is not None

    answer = harness.post(PATH, statement="select 1", warehouse_id="x", wait_timeout="0s")
    harness.runner.sql_gate.set()
    ended = harness.workspace.statements.wait(answer["statement_id"], 20)

    assert answer["status"]["state"] in {"PENDING", "RUNNING"}
    assert ended.state == "SUCCEEDED"


def test_a_cancelled_statement_stays_cancelled(harnesses: Any) -> None:
    """Whatever still comes of it; the engine is told to end it."""
    harness: Harness = harnesses(runner=FakeRunner(sql_gate=threading.Event())).start()
    assert harness.runner.sql_gate is not None
    statement_id = harness.post(PATH, statement="select 1", warehouse_id="x", wait_timeout="0s")["statement_id"]

    harness.changes.wait_until(lambda: bool(harness.runner.statements))
    harness.post(f"{PATH}/{statement_id}/cancel")
    harness.runner.sql_gate.set()
    harness.post(PATH, statement="select 1", warehouse_id="x")

    assert harness.get(f"{PATH}/{statement_id}") == {"statement_id": statement_id, "status": {"state": "CANCELED"}}
    assert harness.runner.interrupted == [statement_id]


def test_a_statement_that_the_workspace_left_open_is_failed(harnesses: Any) -> None:
    """After a restart its client learns what happened."""
    harness: Harness = harnesses()
    statement_id = harness.workspace.services.workspace.statements.create({"statement": "select 1"})

    harness.start()

    assert "The workspace stopped" in harness.get(f"{PATH}/{statement_id}")["status"]["error"]["message"]


def fill_disk(monkeypatch: pytest.MonkeyPatch, harness: Harness, *, at: str, times: int) -> None:
    """The database has no room so many times, beginning with the change to that state."""
    store = harness.workspace.services.workspace.statements
    real = store.move
    left = [times]

    def move(statement_id: str, state: str, **values: Any) -> bool:
        if left[0] and (state == at or left[0] < times):
            left[0] -= 1
            raise sqlite3.OperationalError("database or disk is full")
        return real(statement_id, state, **values)

    monkeypatch.setattr(store, "move", move)
    monkeypatch.setattr(statement_runner, "ERROR_PAUSE_SECONDS", 0.01)


@pytest.mark.parametrize("at", ["RUNNING", "SUCCEEDED"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_statement_that_cannot_be_kept_fails(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, at: str, times: int
) -> None:
    """At its beginning and at its end, and as soon as that much can be written; the log tells."""
    fill_disk(monkeypatch, harness, at=at, times=times)

    answer = harness.post(PATH, statement="select 3", warehouse_id="x", wait_timeout="20s")

    assert answer["status"]["state"] == "FAILED"
    assert answer["status"]["error"]["message"].endswith("or its result: database or disk is full")
    assert sum("database or disk is full" in line for line in harness.log) == times


def test_what_cannot_be_asked(harness: Harness) -> None:
    """Each is refused with its reason."""
    for change, words in (
        ({"statement": None}, "statement is required"),
        ({"warehouse_id": None}, "warehouse_id is required"),
        ({"wait_timeout": "3s"}, "wait_timeout must be"),
        ({"disposition": "EXTERNAL_LINKS"}, "disposition INLINE"),
        ({"row_limit": 0}, "row_limit must be at least 1, not 0"),
        ({"row_limit": -1}, "row_limit must be at least 1, not -1"),
        ({"parameters": ["a"]}, "parameters: item 1 must be an object with a name"),
        ({"parameters": [{"name": "a"}, {"value": "1"}]}, "parameters: item 2 must be an object with a name"),
        ({"parameters": [{"name": "a", "value": [1]}]}, "the value and the type of 'a' must be texts"),
        ({"parameters": [{"name": "a", "value": "1", "type": 1}]}, "the value and the type of 'a' must be texts"),
    ):
        answer = harness.client.post(f"/api{PATH}", json={"statement": "x", "warehouse_id": "x"} | change)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
        assert words in answer.json()["message"]
    assert harness.client.post(
        f"/api{PATH}", json={"statement": "x", "warehouse_id": "x", "parameters": {"a": 1}}
    ).json() == {"error_code": "MALFORMED_REQUEST", "message": "parameters must be a list, not dict"}
    assert harness.client.get(f"/api{PATH}/none").status_code == 404
    assert harness.runner.statements == []


def test_there_is_one_warehouse(harness: Harness) -> None:
    """And every id names it."""
    assert harness.get("/2.0/sql/warehouses")["warehouses"][0]["state"] == "RUNNING"
    assert harness.get("/2.0/sql/warehouses/abc")["id"] == "abc"


def test_the_warehouse_is_found_by_each_of_its_names(harnesses: Any) -> None:
    """Each has an id, the same after every start, and the path under which clients speak its protocol."""
    harness: Harness = harnesses(warehouses=("sandbox", "team")).start()

    found = harness.get("/2.0/sql/endpoints")["endpoints"]

    assert [item["name"] for item in found] == ["sandbox", "team"]
    assert found[0]["odbc_params"]["path"] == WAREHOUSE_PATH
    assert harness.get(f"/2.0/sql/warehouses/{found[1]['id']}")["name"] == "team"
