"""The protocol of SQL warehouses over HTTP: each call, spoken with the messages that the workspace itself declares."""

from __future__ import annotations

import base64
import subprocess
import sys
import threading
import uuid
from typing import Any

import pytest
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException, TMessageType
from thrift.transport.TTransport import TMemoryBuffer

from sandbox.databricks_stub.notebook import Column, SqlResult
from sandbox.databricks_stub.warehouse_protocol import messages as m
from sandbox.databricks_stub.warehouse_protocol import service
from tests.unit.databricks_stub.fakes import FakeRunner, Harness

PATH = "/sql/1.0/warehouses/abc"
ALL = m.GetDirectResults(maxRows=10_000, maxBytes=1 << 20)


def encoded(name: str, request: Any, kind: int = TMessageType.CALL) -> bytes:
    """A call as it travels, written by the library's codec in Python; the workspace has the one in C."""
    transport = TMemoryBuffer()
    protocol = TBinaryProtocol(transport)
    protocol.writeMessageBegin(name, kind, 7)
    m.call_of(type(request))(req=request).write(protocol)
    return bytes(transport.getvalue())


def call(harness: Harness, name: str, request: Any, response: Any, path: str = PATH) -> Any:
    """The response to a call."""
    answer = harness.client.post(path, content=encoded(name, request))
    assert answer.status_code == 200, answer.text
    protocol = TBinaryProtocol(TMemoryBuffer(answer.content))
    replied, kind, sequence = protocol.readMessageBegin()
    assert (replied, sequence) == (name, 7)
    if kind == TMessageType.EXCEPTION:
        refusal = TApplicationException()
        refusal.read(protocol)
        raise refusal
    result = m.reply_of(response)()
    result.read(protocol)
    return result.success


def opened(harness: Harness, **values: Any) -> Any:
    """The handle of a new session."""
    answer = call(harness, "OpenSession", m.OpenSessionReq(**values), m.OpenSessionResp)
    assert answer.status.statusCode == m.StatusCode.SUCCESS, answer.status.errorMessage
    return answer.sessionHandle


def execute(harness: Harness, session: Any, statement: str, **values: Any) -> Any:
    """The response to ExecuteStatement."""
    given = {"runAsync": True, "getDirectResults": ALL} | values
    request = m.ExecuteReq(sessionHandle=session, statement=statement, **given)
    return call(harness, "ExecuteStatement", request, m.OperationResp)


def fetch(harness: Harness, handle: Any, **values: Any) -> Any:
    """The response to FetchResults."""
    return call(harness, "FetchResults", m.FetchReq(operationHandle=handle, **values), m.FetchResp)


def statement_id(handle: Any) -> str:
    """The statement that a handle stands for."""
    return str(uuid.UUID(bytes=handle.operationId.guid))


def ended(harness: Harness, handle: Any) -> Any:
    """The status of an operation once it has ended."""
    harness.workspace.statements.wait(statement_id(handle), 20)
    return call(harness, "GetOperationStatus", m.OperationReq(operationHandle=handle), m.OperationStatusResp)


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


def test_rows_come_in_parts(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each begins where the last one ended; FETCH_FIRST begins again; other ways are refused."""
    monkeypatch.setattr(service, "CHUNK_ROWS", 3)
    handle = execute(harness, opened(harness), "select 7", getDirectResults=None).operationHandle
    ended(harness, handle)

    parts = [fetch(harness, handle, maxRows=most) for most in (2, 100, 100)]
    again = fetch(harness, handle, orientation=m.Orientation.FIRST, maxRows=1, includeResultSetMetadata=True)
    back = fetch(harness, handle, orientation=1)

    assert [(part.results.startRowOffset, part.hasMoreRows) for part in parts] == [(0, True), (2, True), (5, False)]
    assert [part.results.columns[0].i32Val.values for part in parts] == [[0, 1], [2, 3, 4], [5, 6]]
    assert again.results.columns[0].i32Val.values == [0]
    assert again.resultSetMetadata.resultFormat == m.COLUMN_BASED_SET
    assert "forwards only" in back.status.errorMessage


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


def test_values_of_every_type(harness: Harness) -> None:
    """Each in its own kind of column; NULL is a bit beside it; what has no kind is a text."""
    values: dict[str, tuple[str, Any]] = {
        "BOOLEAN": ("boolVal", True),
        "BYTE": ("byteVal", 1),
        "SHORT": ("i16Val", 2),
        "INT": ("i32Val", 3),
        "LONG": ("i64Val", 4),
        "FLOAT": ("doubleVal", 1.5),
        "DOUBLE": ("doubleVal", float("inf")),
        "STRING": ("stringVal", "ä"),
        "DATE": ("stringVal", "2024-01-02"),
        "ARRAY": ("stringVal", [1, 2]),
        "STRUCT": ("stringVal", {"a": None}),
        "VARIANT": ("stringVal", 5),
    }
    columns = tuple(Column(name=name, type_text=name, type_name=name) for name in values)
    rows: list[list[Any]] = [[value for _, value in values.values()], [None] * len(values)]
    harness.runner.results["all"] = SqlResult(columns=columns, rows=rows)

    found = execute(harness, opened(harness), "all").directResults.resultSet.results.columns

    kinds = [getattr(column, kind) for column, (kind, _) in zip(found, values.values(), strict=True)]
    assert [kind.values[0] for kind in kinds[:9]] == [value for _, value in values.values()][:9]
    assert [kind.values[0] for kind in kinds[9:]] == ["[1,2]", '{"a":null}', "5"]
    assert {kind.nulls for kind in kinds} == {b"\x02"}


def test_values_that_travel_as_texts(harness: Harness) -> None:
    """Decimals say their precision, instants their zone; bytes are bytes."""
    columns = (
        Column(name="d", type_text="DECIMAL(10,2)", type_name="DECIMAL"),
        Column(name="t", type_text="TIMESTAMP", type_name="TIMESTAMP"),
        Column(name="n", type_text="TIMESTAMP_NTZ", type_name="TIMESTAMP"),
        Column(name="b", type_text="BINARY", type_name="BINARY"),
    )
    row = ["1.50", "2024-01-02T03:04:05", "2024-01-02T03:04:05.5", base64.b64encode(b"\x00").decode()]
    harness.runner.results["all"] = SqlResult(columns=columns, rows=[row])

    direct = execute(harness, opened(harness), "all").directResults

    decimal, time, wall, binary = direct.resultSet.results.columns
    assert decimal.stringVal.values == ["1.50"]
    assert (time.stringVal.values, wall.stringVal.values) == (["2024-01-02 03:04:05+00:00"], ["2024-01-02 03:04:05.5"])
    assert binary.binaryVal.values == [b"\x00"]
    entry = direct.resultSetMetadata.schema.columns[0].typeDesc.types[0].primitiveEntry
    assert {name: value.i32Value for name, value in entry.typeQualifiers.qualifiers.items()} == {
        "precision": 10,
        "scale": 2,
    }


def test_a_change_says_how_many_rows(harness: Harness) -> None:
    """Clients call that rowcount."""
    column = Column(name="num_affected_rows", type_text="BIGINT", type_name="LONG")
    harness.runner.results["update"] = SqlResult(columns=(column,), rows=[[5]])

    status = execute(harness, opened(harness), "update").directResults.operationStatus

    assert status.numModifiedRows == 5


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


def test_a_part_never_passes_for_the_whole(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows than the workspace gives are an error, unless the client wanted no more."""
    monkeypatch.setattr(service, "WHOLE_RESULT_ROWS", 4)
    session = opened(harness)

    whole = execute(harness, session, "select 9").directResults.operationStatus
    some = execute(harness, session, "select 9", resultRowLimit=2).directResults

    assert whole.operationState == m.OperationState.ERROR
    assert "more than 4 rows" in whole.displayMessage
    assert some.resultSet.results.columns[0].i32Val.values == [0, 1]


def test_listings(harness: Harness) -> None:
    """Of catalogs, schemas, tables and columns, by pattern; made of what the engine tells."""
    texts = ("namespace", "tableName", "viewName", "col_name", "data_type", "comment")
    column = {name: Column(name=name, type_text="STRING", type_name="STRING") for name in texts}
    temporary = Column(name="isTemporary", type_text="BOOLEAN", type_name="BOOLEAN")
    tables = (column["namespace"], column["tableName"], temporary)
    views = (column["namespace"], column["viewName"], temporary)
    described = (column["col_name"], column["data_type"], column["comment"])
    harness.runner.results |= {
        "SHOW SCHEMAS": SqlResult(columns=(column["namespace"],), rows=[["default"], ["o_her"]]),
        "SHOW TABLES IN `default`": SqlResult(
            columns=tables, rows=[["default", "seen", False], ["default", "made", False], ["", "temporary", True]]
        ),
        "SHOW VIEWS IN `default`": SqlResult(columns=views, rows=[["default", "seen", False]]),
        "DESCRIBE TABLE `default`.`made`": SqlResult(
            columns=described, rows=[["id", "int", None], ["day", "date", "of it"], ["# Partitions", "", ""]]
        ),
    }
    session = opened(harness)

    def listed(name: str, request: Any) -> list[list[Any]]:
        answer = call(harness, name, request, m.OperationResp)
        assert answer.status.statusCode == m.StatusCode.SUCCESS, answer.status.errorMessage
        found = answer.directResults.resultSet.results.columns
        return [(column.stringVal or column.i32Val).values for column in found]

    given = {"sessionHandle": session, "getDirectResults": ALL}
    assert listed("GetCatalogs", m.CatalogsReq(**given)) == [["projects"]]
    assert listed("GetSchemas", m.SchemasReq(**given, schemaName="O\\_h%"))[0] == ["o_her"]
    assert listed("GetSchemas", m.SchemasReq(**given, catalogName="elsewhere"))[0] == []
    found = listed("GetTables", m.TablesReq(**given, schemaName="default"))
    assert (found[2], found[3]) == (["made", "seen"], ["TABLE", "VIEW"])
    assert listed("GetTables", m.TablesReq(**given, schemaName="default", tableTypes=["view"]))[2] == ["seen"]
    found = listed("GetColumns", m.ColumnsReq(**given, schemaName="default", tableName="made", columnName="_a_"))
    assert (found[3], found[4], found[5], found[6]) == (["day"], ["DATE"], ["of it"], [2])


def test_a_listing_that_fails_says_why(harness: Harness) -> None:
    """With the engine's words."""
    request = m.SchemasReq(sessionHandle=opened(harness), getDirectResults=ALL)

    status = call(harness, "GetSchemas", request, m.OperationResp).status

    assert (status.statusCode, status.errorMessage) == (m.StatusCode.ERROR, "cannot resolve SCHEMAS")


def test_what_a_client_may_ask_about_the_server(harness: Harness) -> None:
    """Its name and version; other questions are refused."""
    session = opened(harness)

    known, unknown = (
        call(harness, "GetInfo", m.InfoReq(sessionHandle=session, infoType=number), m.InfoResp) for number in (17, 999)
    )

    assert known.infoValue.stringValue == "Spark SQL"
    assert unknown.status.statusCode == m.StatusCode.ERROR


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
