"""WarehouseService: what each call does, over the same statements as the REST API."""

from __future__ import annotations

import re
import traceback
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.databricks_stub.context import Services
from sandbox.databricks_stub.errors import ApiError
from sandbox.databricks_stub.notebook import SqlError
from sandbox.databricks_stub.store.statements import Statement
from sandbox.databricks_stub.warehouse_protocol import messages as m
from sandbox.databricks_stub.warehouse_protocol import metadata, results
from sandbox.databricks_stub.warehouse_protocol.codec import Method
from sandbox.databricks_stub.warehouse_protocol.parameters import UnknownParameter, parameters
from sandbox.databricks_stub.warehouse_protocol.registry import InvalidHandle, Operation, Registry

DIRECT_SECONDS = 2.0
"""How long the answer to ExecuteStatement waits for a result, so that a quick statement is one request."""
POLL_SECONDS = 1.0
"""How long GetOperationStatus waits for an end: clients ask again at once, without a pause of their own."""
SYNCHRONOUS_SECONDS = 3600.0
CHUNK_ROWS = 10_000
WHOLE_RESULT_ROWS = 1_000_000
"""Beyond this many rows a statement fails: they go through JSON and SQLite, and a part must not pass for the whole."""

STATES = {
    "PENDING": m.OperationState.PENDING,
    "RUNNING": m.OperationState.RUNNING,
    "SUCCEEDED": m.OperationState.FINISHED,
    "FAILED": m.OperationState.ERROR,
    "CANCELED": m.OperationState.CANCELED,
    "CLOSED": m.OperationState.CLOSED,
}
SQL_STATE = re.compile(r"SQLSTATE:? ?([0-9A-Z]{5})")
GENERAL_ERROR = "HY000"
# Documented: https://docs.databricks.com/sql/language-manual/delta-merge-into - what changes rows says how many.
AFFECTED = "num_affected_rows"
INFO = {13: "Spark SQL", 17: "Spark SQL", 18: "4.0.0"}
"""What GetInfo tells, by the number of TGetInfoType: server name, DBMS name and version."""


class WarehouseService:
    """One workspace's warehouse; every id of a warehouse names it."""

    def __init__(self, services: Services, log: Callable[[str], None]) -> None:
        self._services = services
        self._log = log
        self._registry = Registry()
        self.methods: Mapping[str, Method] = {
            "OpenSession": self._method(m.OpenSessionReq, m.OpenSessionResp, self._open),
            "CloseSession": self._method(m.SessionReq, m.StatusResp, self._close_session),
            "GetInfo": self._method(m.InfoReq, m.InfoResp, self._info),
            "ExecuteStatement": self._method(m.ExecuteReq, m.OperationResp, self._execute),
            "GetOperationStatus": self._method(m.OperationReq, m.OperationStatusResp, self._status),
            "GetResultSetMetadata": self._method(m.OperationReq, m.MetadataResp, self._metadata),
            "FetchResults": self._method(m.FetchReq, m.FetchResp, self._fetch),
            "CancelOperation": self._method(m.OperationReq, m.StatusResp, self._cancel),
            "CloseOperation": self._method(m.OperationReq, m.StatusResp, self._close),
        } | {
            name: self._method(request, m.OperationResp, self._listing(listing))
            for name, (request, listing) in metadata.LISTINGS.items()
        }

    def _method(self, request: Any, response: Any, answer: Callable[[Any], Any]) -> Method:
        """A call whose refusals are the status of its response: clients raise DatabaseError with its message."""

        def guarded(asked: Any) -> Any:
            try:
                return answer(asked)
            except InvalidHandle as error:
                return response(status=_failure(str(error), m.StatusCode.INVALID_HANDLE))
            except (SqlError, UnknownParameter) as error:
                return response(status=_failure(str(error)))
            except ApiError as error:
                return response(status=_failure(error.message))
            except Exception as error:  # with an HTTP status of 500, clients would ask again for a minute
                self._log(f"{response.__name__}\n{traceback.format_exc()}")
                return response(status=_failure(f"The sandbox failed: {error!r}; its log has the traceback."))

        return Method(request, response, guarded)

    def _open(self, request: Any) -> Any:
        namespace = request.initialNamespace or m.Namespace()
        session_id = str(uuid.uuid4())
        self._services.statements.open_session(
            session_id,
            catalog=namespace.catalogName or None,
            schema=namespace.schemaName or None,
            configuration=request.configuration or {},
        )
        return m.OpenSessionResp(
            status=_success(),
            serverProtocolVersion=m.PROTOCOL,
            sessionHandle=self._registry.open_session(session_id),
            configuration={},
            initialNamespace=request.initialNamespace,
            canUseMultipleCatalogs=True,
        )

    def _close_session(self, request: Any) -> Any:
        session_id = self._registry.session(request.sessionHandle)
        for operation in self._registry.close_session(session_id):
            self._end(operation)
        self._services.statements.close_session(session_id)
        return m.StatusResp(status=_success())

    def _info(self, request: Any) -> Any:
        self._registry.session(request.sessionHandle)
        if request.infoType not in INFO:
            raise SqlError(f"This fake workspace has no answer to GetInfo of {request.infoType}")
        return m.InfoResp(status=_success(), infoValue=m.InfoValue(stringValue=INFO[request.infoType]))

    def _execute(self, request: Any) -> Any:
        session_id = self._registry.session(request.sessionHandle)
        limit = request.resultRowLimit or 0
        asked: dict[str, Any] = {
            "statement": request.statement or "",
            "parameters": parameters(request.parameters or []),
            "session_id": session_id,
            "row_limit": limit or WHOLE_RESULT_ROWS,
            "whole_result": not limit,
        }
        statement_id = self._services.workspace.statements.create(asked)
        operation = Operation(
            operation_id=uuid.UUID(statement_id),
            session_id=session_id,
            type=m.OperationType.EXECUTE_STATEMENT,
            statement_id=statement_id,
        )
        self._registry.add(operation)
        self._services.statements.submit(statement_id)
        if not request.runAsync:
            self._state(operation, SYNCHRONOUS_SECONDS)
        return self._begun(operation, request.getDirectResults)

    def _listing(self, listing: metadata.Listing) -> Callable[[Any], Any]:
        def answer(request: Any) -> Any:
            session_id = self._registry.session(request.sessionHandle)
            found = listing.rows(self._services.settings.catalog, request, self._ask(session_id))
            operation = Operation(
                operation_id=uuid.uuid4(),
                session_id=session_id,
                type=listing.type,
                columns=listing.columns,
                rows=found,
            )
            self._registry.add(operation)
            return self._begun(operation, request.getDirectResults)

        return answer

    def _ask(self, session_id: str) -> metadata.Ask:
        """Executes a statement of our own in a session; its rows."""

        def ask(statement: str) -> list[dict[str, Any]]:
            request = {"statement": statement, "session_id": session_id}
            statement_id = self._services.workspace.statements.create(request)
            self._services.statements.submit(statement_id)
            found = self._services.statements.wait(statement_id, SYNCHRONOUS_SECONDS)
            if found.state != "SUCCEEDED" or found.result is None:
                raise SqlError(found.error or f"{statement} ended as {found.state}")
            names = [column["name"] for column in found.result["columns"]]
            return [dict(zip(names, row, strict=True)) for row in found.result["rows"]]

        return ask

    def _begun(self, operation: Operation, wanted: Any) -> Any:
        """The handle, and with it, where the client wants that and it does not take long, the first rows."""
        answer = m.OperationResp(status=_success(), operationHandle=operation.handle)
        if wanted is None:
            return answer
        state = self._state(operation, DIRECT_SECONDS)
        answer.directResults = m.DirectResults(operationStatus=self._status_of(operation, state))
        if state == m.OperationState.FINISHED:
            answer.directResults.resultSetMetadata = self._metadata_of(operation)
            answer.directResults.resultSet = self._rows(operation, wanted.maxRows)
            if not answer.directResults.resultSet.hasMoreRows:
                # everything is with the client, which closes nothing then
                self._forget(operation)
                answer.directResults.closeOperation = m.StatusResp(status=_success())
        return answer

    def _status(self, request: Any) -> Any:
        operation = self._registry.operation(request.operationHandle)
        return self._status_of(operation, self._state(operation, POLL_SECONDS))

    def _state(self, operation: Operation, seconds: float) -> m.OperationState:
        """What has become of it, at the latest after that time."""
        if operation.statement_id is None:
            return m.OperationState.FINISHED
        return STATES[self._services.statements.wait(operation.statement_id, seconds).state]

    def _status_of(self, operation: Operation, state: m.OperationState) -> Any:
        answer = m.OperationStatusResp(status=_success(), operationState=state, hasResultSet=True)
        if state == m.OperationState.ERROR:
            message = self._statement(operation).error or "The statement failed."
            answer.errorMessage = answer.displayMessage = answer.diagnosticInfo = message
            answer.sqlState = _sql_state(message)
        elif state == m.OperationState.FINISHED:
            columns, rows = self._result(operation)
            if rows and columns[0]["name"] == AFFECTED:
                answer.numModifiedRows = rows[0][0]
        return answer

    def _metadata(self, request: Any) -> Any:
        return self._metadata_of(self._registry.operation(request.operationHandle))

    def _metadata_of(self, operation: Operation) -> Any:
        return results.metadata(self._result(operation)[0])

    def _fetch(self, request: Any) -> Any:
        operation = self._registry.operation(request.operationHandle)
        if request.orientation not in (None, m.Orientation.NEXT, m.Orientation.FIRST):
            raise SqlError("This fake workspace fetches forwards only: FETCH_NEXT and FETCH_FIRST")
        if request.orientation == m.Orientation.FIRST:
            operation.fetched = 0
        answer = self._rows(operation, request.maxRows)
        if request.includeResultSetMetadata:
            answer.resultSetMetadata = self._metadata_of(operation)
        return answer

    def _rows(self, operation: Operation, most: int | None) -> Any:
        columns, rows = self._result(operation)
        with operation.lock:
            start = operation.fetched
            operation.fetched = min(start + min(most or CHUNK_ROWS, CHUNK_ROWS), len(rows))
            end = operation.fetched
        return m.FetchResp(
            status=_success(), hasMoreRows=end < len(rows), results=results.row_set(columns, rows[start:end], start)
        )

    def _result(self, operation: Operation) -> tuple[Any, Any]:
        """The columns and all rows; kept with the operation, for a large result takes long to read from the store."""
        with operation.lock:
            if operation.columns is None or operation.rows is None:
                found = self._statement(operation)
                if found.result is None:
                    raise SqlError(f"Statement {found.statement_id} has no result: it is {found.state}")
                operation.columns, operation.rows = found.result["columns"], found.result["rows"]
            return operation.columns, operation.rows

    def _statement(self, operation: Operation) -> Statement:
        found = self._services.workspace.statements.find(operation.statement_id or "")
        if found is None:
            raise InvalidHandle(f"Invalid OperationHandle: OperationHandle [{operation.operation_id}]")
        return found

    def _cancel(self, request: Any) -> Any:
        operation = self._registry.operation(request.operationHandle)
        if operation.statement_id is not None:
            self._services.statements.cancel(operation.statement_id)
        return m.StatusResp(status=_success())

    def _close(self, request: Any) -> Any:
        self._forget(self._registry.operation(request.operationHandle))
        return m.StatusResp(status=_success())

    def _forget(self, operation: Operation) -> None:
        self._registry.remove(operation)
        self._end(operation)

    def _end(self, operation: Operation) -> None:
        """Give up on what still runs, and on the result of what has run."""
        statements = self._services.workspace.statements
        # the store keeps the last statements only: an older one has ended, and its result is gone
        if operation.statement_id is not None and statements.find(operation.statement_id) is not None:
            self._services.statements.cancel(operation.statement_id)
            statements.close(operation.statement_id)


def _success() -> Any:
    return m.Status(statusCode=m.StatusCode.SUCCESS)


def _failure(message: str, code: m.StatusCode = m.StatusCode.ERROR) -> Any:
    return m.Status(statusCode=code, sqlState=_sql_state(message), errorMessage=message, displayMessage=message)


def _sql_state(message: str) -> str:
    found = SQL_STATE.search(message)
    return found[1] if found else GENERAL_ERROR
