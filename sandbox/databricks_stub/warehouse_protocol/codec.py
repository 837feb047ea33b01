"""answer: one call as bytes to its reply as bytes; what the call does is the caller's affair."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated
from thrift.Thrift import TApplicationException, TException, TMessageType
from thrift.transport.TTransport import TMemoryBuffer

from sandbox.databricks_stub.errors import malformed
from sandbox.databricks_stub.warehouse_protocol.messages import call_of, reply_of

MAX_TEXT_BYTES = 16 * 1024 * 1024
MAX_ITEMS = 100_000


class Method:
    """A call of the protocol: what comes in, what goes out, and who answers it."""

    def __init__(self, request: Any, response: Any, answer: Callable[[Any], Any]) -> None:
        self.arguments = call_of(request)
        self.result = reply_of(response)
        self.answer = answer


def answer(body: bytes, methods: Mapping[str, Method]) -> bytes:
    """The reply to a call.

    A call that is none raises ApiError; one of an unknown method gets a reply that says so, which clients raise.
    """
    protocol = _protocol(TMemoryBuffer(body))
    try:
        name, kind, sequence = protocol.readMessageBegin()
        method = methods.get(name)
        if kind != TMessageType.CALL or method is None:
            return _refusal(str(name), sequence)
        arguments = method.arguments()
        arguments.read(protocol)
        if arguments.req is None:
            raise malformed(f"the call {name} carries no request")
    except (TException, EOFError, ValueError, TypeError, OverflowError, MemoryError) as error:
        raise malformed(f"the body is no call of Thrift's binary protocol: {error or type(error).__name__}") from error
    return _message(name, TMessageType.REPLY, sequence, method.result(success=method.answer(arguments.req)))


def _refusal(name: str, sequence: int) -> bytes:
    reason = f"{name} is not served by this fake workspace"
    return _message(
        name, TMessageType.EXCEPTION, sequence, TApplicationException(TApplicationException.UNKNOWN_METHOD, reason)
    )


def _message(name: str, kind: int, sequence: int, content: Any) -> bytes:
    transport = TMemoryBuffer()
    protocol = _protocol(transport)
    protocol.writeMessageBegin(name, kind, sequence)
    content.write(protocol)
    protocol.writeMessageEnd()
    return bytes(transport.getvalue())


def _protocol(transport: Any) -> Any:
    """Written in C where the library brings that, a hundred times faster; the same in Python where it does not."""
    return TBinaryProtocolAccelerated(
        transport, fallback=True, string_length_limit=MAX_TEXT_BYTES, container_length_limit=MAX_ITEMS
    )
