"""SQL statements over HTTP."""

from __future__ import annotations

import threading
from typing import Any

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
    answer = harness.post(PATH, statement="select 9", row_limit=2, catalog="c", schema="s")

    assert (len(answer["result"]["data_array"]), answer["manifest"]["truncated"]) == (2, True)
    assert harness.runner.statements[0][2:] == ("c", "s")


def test_a_wrong_statement_fails_with_the_engines_words(harness: Harness) -> None:
    """The HTTP status is 200, as on Databricks."""
    answer = harness.post(PATH, statement="select wrong")

    assert answer["status"] == {
        "state": "FAILED",
        "error": {"error_code": "BAD_REQUEST", "message": "cannot resolve wrong"},
    }


def test_a_client_need_not_wait(harnesses: Any) -> None:
    """wait_timeout 0s answers at once; the statement is asked for later."""
    harness: Harness = harnesses(runner=FakeRunner(sql_gate=threading.Event())).start()
    assert harness.runner.sql_gate is not None

    answer = harness.post(PATH, statement="select 1", wait_timeout="0s")
    harness.runner.sql_gate.set()
    ended = harness.workspace.statements.wait(answer["statement_id"], 20)

    assert answer["status"]["state"] in {"PENDING", "RUNNING"}
    assert ended.state == "SUCCEEDED"


def test_a_cancelled_statement_stays_cancelled(harnesses: Any) -> None:
    """Whatever still comes of it."""
    harness: Harness = harnesses(runner=FakeRunner(sql_gate=threading.Event())).start()
    assert harness.runner.sql_gate is not None
    statement_id = harness.post(PATH, statement="select 1", wait_timeout="0s")["statement_id"]

    harness.post(f"{PATH}/{statement_id}/cancel")
    harness.runner.sql_gate.set()
    harness.post(PATH, statement="select 1")

    assert harness.get(f"{PATH}/{statement_id}") == {"statement_id": statement_id, "status": {"state": "CANCELED"}}


def test_a_statement_that_the_workspace_left_open_is_failed(harnesses: Any) -> None:
    """After a restart its client learns what happened."""
    harness: Harness = harnesses()
    statement_id = harness.workspace.services.workspace.statements.create({"statement": "select 1"})

    harness.start()

    assert "The workspace stopped" in harness.get(f"{PATH}/{statement_id}")["status"]["error"]["message"]


def test_what_cannot_be_asked(harness: Harness) -> None:
    """Each is refused with its reason."""
    for body in ({}, {"statement": "x", "wait_timeout": "3s"}, {"statement": "x", "disposition": "EXTERNAL_LINKS"}):
        answer = harness.client.post(f"/api{PATH}", json=body)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert harness.client.get(f"/api{PATH}/none").status_code == 404


def test_there_is_one_warehouse(harness: Harness) -> None:
    """And every id names it."""
    assert harness.get("/2.0/sql/warehouses")["warehouses"][0]["state"] == "RUNNING"
    assert harness.get("/2.0/sql/warehouses/abc")["id"] == "abc"
