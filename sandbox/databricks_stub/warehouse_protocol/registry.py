"""Open sessions and operations: what handles stand for. In memory, as handles do not outlive a warehouse either."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.databricks_stub.warehouse_protocol import messages as m

MOST_SESSIONS = 1000
MOST_OPERATIONS = 1000
"""Clients that were killed close nothing; the oldest are forgotten first."""


class InvalidHandle(Exception):
    """A handle that stands for nothing (any more)."""


@dataclass(kw_only=True)
class Operation:
    """A statement, or a result that was there at once, that a client has a handle of; it has `fetched` rows of it."""

    operation_id: uuid.UUID
    session_id: str
    type: m.OperationType
    statement_id: str | None = None
    columns: Sequence[Mapping[str, str]] | None = None
    rows: Sequence[Sequence[Any]] | None = None
    fetched: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def handle(self) -> Any:
        """The handle that the client gets."""
        guid = self.operation_id.bytes
        return m.OperationHandle(
            operationId=m.Handle(guid=guid, secret=guid), operationType=self.type, hasResultSet=True
        )


class Registry:
    """Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[str, None] = {}
        self._operations: dict[uuid.UUID, Operation] = {}

    def open_session(self, session_id: str) -> Any:
        """Remember a session; its handle."""
        with self._lock:
            self._sessions[session_id] = None
            while len(self._sessions) > MOST_SESSIONS:
                del self._sessions[next(iter(self._sessions))]
        guid = uuid.UUID(session_id).bytes
        return m.SessionHandle(sessionId=m.Handle(guid=guid, secret=guid), serverProtocolVersion=m.PROTOCOL)

    def session(self, handle: Any) -> str:
        """The id of the session that a handle stands for."""
        found = _guid(handle and handle.sessionId)
        with self._lock:
            if found is None or str(found) not in self._sessions:
                raise InvalidHandle(f"Invalid SessionHandle: SessionHandle [{found}]")
        return str(found)

    def close_session(self, session_id: str) -> list[Operation]:
        """Forget a session; the operations that it leaves behind, which are forgotten, too."""
        with self._lock:
            self._sessions.pop(session_id, None)
            left = [operation for operation in self._operations.values() if operation.session_id == session_id]
            for operation in left:
                del self._operations[operation.operation_id]
        return left

    def add(self, operation: Operation) -> None:
        """Remember an operation."""
        with self._lock:
            self._operations[operation.operation_id] = operation
            while len(self._operations) > MOST_OPERATIONS:
                del self._operations[next(iter(self._operations))]

    def operation(self, handle: Any) -> Operation:
        """The operation that a handle stands for."""
        found = _guid(handle and handle.operationId)
        with self._lock:
            operation = None if found is None else self._operations.get(found)
        if operation is None:
            raise InvalidHandle(f"Invalid OperationHandle: OperationHandle [{found}]")
        return operation

    def remove(self, operation: Operation) -> None:
        """Forget an operation."""
        with self._lock:
            self._operations.pop(operation.operation_id, None)


def _guid(handle: Any) -> uuid.UUID | None:
    guid = handle.guid if handle is not None else None
    return uuid.UUID(bytes=guid) if isinstance(guid, bytes) and len(guid) == 16 else None
