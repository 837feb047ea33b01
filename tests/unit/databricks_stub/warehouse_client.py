"""A client of the protocol of SQL warehouses that speaks the messages which the workspace itself declares."""

from __future__ import annotations

import uuid
from typing import Any

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException, TMessageType
from thrift.transport.TTransport import TMemoryBuffer

from sandbox.databricks_stub.warehouse_protocol import messages as m
from tests.unit.databricks_stub.fakes import Harness

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
