"""The protocol of SQL warehouses over HTTP: each call, spoken with the messages that the workspace itself declares."""

from __future__ import annotations

import subprocess
import sys
import threading
import uuid
from typing import Any

import pytest
from thrift.Thrift import TApplicationException

from sandbox.databricks_stub.warehouse_protocol import messages as m
from sandbox.databricks_stub.warehouse_protocol import service
from tests.unit.databricks_stub.fakes import FakeRunner, Harness
from tests.unit.databricks_stub.warehouse_client import (
    PATH,
    call,
    encoded,
    ended,
    execute,
    fetch,
    opened,
    statement_id,
)


@pytest.mark.parametrize("path", [PATH, "/sql/1.0/endpoints/xyz", "/sql/protocolv1/o/1/0101-abc/"])
def test_a_quick_statement_is_one_request(harness: Harness, path: str) -> None:
    """The answer has the status, the columns, all rows, and that nothing is left to be closed."""
    session = call(harness, "OpenSession", m.OpenSessionReq(), m.OpenSessionResp, path).sessionHandle

    answer = execute(harness, session, "select 3")

    direct = answer.directResults
    assert direct.operationStatus.operationState == m.OperationState.FINISHED
    assert [column.columnName for column in direct.resultSetMetadata.schema.columns] == ["n"]
    assert direct.resultSet.results.columns[0].i32Val.values == [0, 1, 2]
    assert (direct.resultSet.hasMoreRows, direct.closeOperation.status.statusCode) == (False, m.StatusCode.SUCCESS)


def test_a_statement_is_one_of_the_statement_api(harness: Harness) -> None:
    """By the id that clients call query id; closed, for its client has the result."""
    answer = execute(harness, opened(harness), "select 1")

    found = harness.get(f"/2.0/sql/statements/{statement_id(answer.operationHandle)}")

    assert found["status"] == {"state": "CLOSED"}


def test_a_slow_statement_is_asked_for(harnesses: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until then its state says that it runs."""
    monkeypatch.setattr(service, "DIRECT_SECONDS", 0.0)
    monkeypatch.setattr(service, "POLL_SECONDS", 0.0)
    harness: Harness = harnesses(runner=FakeRunner(sql_gate=threading.Event())).start()
    assert harness.runner.sql_gate is not None

    answer = execute(harness, opened(harness), "select 1")
    before = answer.directResults.operationStatus.operationState
    harness.runner.sql_gate.set()
    after = ended(harness, answer.operationHandle).operationState

    assert before in {m.OperationState.PENDING, m.OperationState.RUNNING}
    assert answer.directResults.resultSet is None
    assert after == m.OperationState.FINISHED


def test_a_client_that_does_not_speak_async_waits(harness: Harness) -> None:
    """The result is there with the answer."""
    answer = execute(harness, opened(harness), "select 2", runAsync=None, getDirectResults=None)

    found = fetch(harness, answer.operationHandle)

    assert found.results.columns[0].i32Val.values == [0, 1]


def test_a_wrong_statement_has_the_engine_s_words(harness: Harness) -> None:
    """As the state of the operation, from which clients make ServerOperationError."""
    status = execute(harness, opened(harness), "select wrong").directResults.operationStatus

    assert status.operationState == m.OperationState.ERROR
    assert (status.displayMessage, status.sqlState) == ("cannot resolve wrong", "HY000")


def test_a_session_has_a_namespace_and_a_configuration(harness: Harness) -> None:
    """They reach the engine, its statements name it, and CloseSession ends it."""
    namespace = m.Namespace(catalogName="", schemaName="other")
    session = opened(harness, initialNamespace=namespace, configuration={"timezone": "UTC"})
    session_id = str(uuid.UUID(bytes=session.sessionId.guid))
    begun = dict(harness.runner.sessions)

    execute(harness, session, "select 1")
    closed = call(harness, "CloseSession", m.SessionReq(sessionHandle=session), m.StatusResp)

    wanted = {"catalog": "projects", "schema": "other", "configuration": {"timezone": "UTC"}}
    assert begun == {session_id: wanted}
    assert harness.runner.sessions_of == [session_id]
    assert (closed.status.statusCode, harness.runner.sessions) == (m.StatusCode.SUCCESS, {})


def test_a_session_that_cannot_begin(harness: Harness) -> None:
    """Its refusal has the engine's words and their SQLSTATE."""
    request = m.OpenSessionReq(initialNamespace=m.Namespace(schemaName="missing"))

    status = call(harness, "OpenSession", request, m.OpenSessionResp).status

    assert (status.statusCode, status.sqlState) == (m.StatusCode.ERROR, "42704")
    assert status.errorMessage.startswith("[SCHEMA_NOT_FOUND]")


def test_handles_that_stand_for_nothing(harness: Harness) -> None:
    """Of a session that was closed, of an operation that was closed, and none at all."""
    session = opened(harness)
    handle = execute(harness, session, "select 1").operationHandle
    call(harness, "CloseSession", m.SessionReq(sessionHandle=session), m.StatusResp)

    answers = [
        execute(harness, session, "select 1"),
        fetch(harness, handle),
        call(harness, "CloseOperation", m.OperationReq(), m.StatusResp),
        call(harness, "GetInfo", m.InfoReq(sessionHandle=m.SessionHandle(), infoType=18), m.InfoResp),
    ]

    assert {answer.status.statusCode for answer in answers} == {m.StatusCode.INVALID_HANDLE}
    assert "Invalid SessionHandle" in answers[0].status.errorMessage


def test_a_statement_that_the_store_no_longer_has_can_be_closed(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that leaves cursors open, and executes hundreds of others, still closes its session."""
    monkeypatch.setattr("sandbox.databricks_stub.store.statements.KEPT_STATEMENTS", 1)
    session = opened(harness)
    handle = execute(harness, session, "select 1", getDirectResults=None).operationHandle
    ended(harness, handle)
    for _ in range(3):
        execute(harness, session, "select 1")

    closed = call(harness, "CloseSession", m.SessionReq(sessionHandle=session), m.StatusResp)

    assert harness.workspace.services.workspace.statements.find(statement_id(handle)) is None
    assert closed.status.statusCode == m.StatusCode.SUCCESS


def test_a_cancelled_statement_is_ended_in_the_engine(harnesses: Any) -> None:
    """CancelOperation, and closing what still runs."""
    harness: Harness = harnesses(runner=FakeRunner(sql_gate=threading.Event())).start()
    session = opened(harness)
    handles = [
        execute(harness, session, "select 1", getDirectResults=None).operationHandle for _ in ("cancel", "close")
    ]
    harness.changes.wait_until(lambda: len(harness.runner.statements) == 2)

    call(harness, "CancelOperation", m.OperationReq(operationHandle=handles[0]), m.StatusResp)
    call(harness, "CloseOperation", m.OperationReq(operationHandle=handles[1]), m.StatusResp)

    status = call(harness, "GetOperationStatus", m.OperationReq(operationHandle=handles[0]), m.OperationStatusResp)
    assert status.operationState == m.OperationState.CANCELED
    assert set(harness.runner.interrupted) == {statement_id(handle) for handle in handles}


def test_parameters_reach_the_statement(harness: Harness) -> None:
    """Named and positional ones, values of three kinds, arrays; arrays of arrays are refused."""
    session = opened(harness)
    flat = m.ParameterArgument(type="INT", value="1")
    given = [
        m.Parameter(name="a", type="INT", value=m.ParameterValue(stringValue="1")),
        m.Parameter(ordinal=1, type="DOUBLE", value=m.ParameterValue(doubleValue=1.5)),
        m.Parameter(ordinal=1, type="BOOLEAN", value=m.ParameterValue(booleanValue=False)),
        m.Parameter(name="n", type="VOID"),
        m.Parameter(name="l", type="ARRAY", arguments=[flat]),
    ]
    nested = m.ParameterArgument(type="ARRAY", arguments=[m.Unread()])

    execute(harness, session, "select 1", parameters=given)
    refused = execute(harness, session, "select 1", parameters=[m.Parameter(type="ARRAY", arguments=[nested])])

    assert harness.runner.statements[0][1] == [
        {"type": "INT", "name": "a", "value": "1"},
        {"type": "DOUBLE", "value": "1.5"},
        {"type": "BOOLEAN", "value": "False"},
        {"type": "VOID", "name": "n", "value": None},
        {"type": "ARRAY", "name": "l", "arguments": [{"type": "INT", "value": "1"}]},
    ]
    assert "within ARRAY and MAP" in refused.status.errorMessage


def test_a_bug_is_an_error_at_once(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not an HTTP status of 500, for which clients would ask again for a minute; the log has the traceback."""
    session = opened(harness)

    def broken(statement_id: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(harness.workspace.statements, "submit", broken)

    status = execute(harness, session, "select 1").status

    assert "The sandbox failed: ZeroDivisionError" in status.errorMessage
    assert "Traceback" in harness.log[0]


def test_calls_that_are_not_served(harness: Harness) -> None:
    """The reply says so; clients raise it."""
    with pytest.raises(TApplicationException, match="GetTypeInfo is not served by this fake workspace"):
        call(harness, "GetTypeInfo", m.SessionReq(), m.StatusResp)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"\x80\x01\x00\x01\x00\x00\x00\x0bOpenSession", encoded("OpenSession", m.OpenSessionReq())[:-3]],
)
def test_what_is_no_call(harness: Harness, body: bytes) -> None:
    """Is refused with its reason where clients look for it."""
    answer = harness.client.post(PATH, content=body)

    assert (answer.status_code, answer.content) == (400, b"")
    assert "no call of Thrift's binary protocol" in answer.headers["x-databricks-reason-phrase"]


def test_the_token_is_needed(harness: Harness) -> None:
    """As for the rest of the workspace; only calls are taken."""
    body = encoded("OpenSession", m.OpenSessionReq())
    browser = harness.browser()

    none = browser.post(PATH, content=body)
    wrong = browser.post(PATH, content=body, headers={"Authorization": "Bearer other"})
    foreign = harness.client.post(PATH, content=body, headers={"Host": "evil.example"})

    assert (none.status_code, wrong.status_code, foreign.status_code) == (401, 403, 421)
    assert wrong.headers["x-databricks-reason-phrase"] == "Invalid access token."
    assert harness.client.get(PATH).status_code == 501
    assert harness.runner.sessions == {}


def test_who_does_not_need_the_codec_does_not_import_it() -> None:
    """A workspace starts without Thrift."""
    code = "import sys, sandbox.databricks_stub.assembly; print('thrift' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
