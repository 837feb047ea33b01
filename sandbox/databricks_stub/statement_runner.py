"""StatementRunner: executes SQL statements of the store in threads of its own, so that no handler does."""

from __future__ import annotations

import sqlite3
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from sandbox.databricks_stub.errors import not_found
from sandbox.databricks_stub.notebook import SqlError, SqlResult
from sandbox.databricks_stub.store.statements import Statement, StatementStore

THREADS = 4
LEAVE_SECONDS = 0.25
DEFAULT_ROW_LIMIT = 100_000
ERROR_PAUSE_SECONDS = 1.0
TOO_LARGE = (
    "The result has more than {limit:,} rows, the most that this fake workspace gives to a client of its warehouse: "
    "aggregate it, add a LIMIT, or write it into a table."
)
STOPPED_MESSAGE = "The workspace stopped while this statement ran; send it again."


class RunsSql(Protocol):
    """What of NotebookRunner is needed here."""

    def sql(
        self,
        statement: str,
        parameters: Sequence[Mapping[str, Any]],
        *,
        catalog: str,
        schema: str,
        row_limit: int,
        session_id: str | None = None,
        statement_id: str = "",
    ) -> SqlResult:
        """Execute one statement, in the session if it names one; raises SqlError."""
        ...

    def interrupt(self, statement_id: str) -> None:
        """End a statement that runs."""
        ...

    def open_session(
        self, session_id: str, *, catalog: str, schema: str | None, configuration: Mapping[str, str]
    ) -> None:
        """Begin a session; raises SqlError."""
        ...

    def close_session(self, session_id: str) -> None:
        """End a session."""
        ...


class StatementRunner:
    """A few threads over the store's open statements."""

    def __init__(
        self,
        store: StatementStore,
        runner: RunsSql,
        *,
        catalog: str,
        schema: str,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._store = store
        self._runner = runner
        self._catalog = catalog
        self._schema = schema
        self._log = log
        self._pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="statement")
        self._ended = threading.Condition()
        self._leaving = threading.Event()

    def start(self) -> None:
        """Fail what a former workspace left open: nobody knows how far it came."""
        self._store.abandon_open(STOPPED_MESSAGE)

    def leave(self) -> None:
        """Let nobody wait any longer; may be called by a signal handler."""
        self._leaving.set()

    def stop(self) -> None:
        """Begin nothing more."""
        self.leave()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def submit(self, statement_id: str) -> None:
        """Begin with a statement as soon as a thread is free."""
        self._pool.submit(self._run, statement_id)

    def wait(self, statement_id: str, seconds: float) -> Statement:
        """The statement once it has ended, or as it is after that time."""
        deadline = time.monotonic() + seconds
        with self._ended:
            while (left := deadline - time.monotonic()) > 0 and not self._leaving.is_set():
                if self._ended.wait_for(lambda: self._find(statement_id).is_terminal, min(left, LEAVE_SECONDS)):
                    break
        return self._find(statement_id)

    def cancel(self, statement_id: str) -> None:
        """Give up on a statement: the engine is told, and its result, should one still come, is thrown away."""
        runs = self._find(statement_id).state == "RUNNING"
        self._move(statement_id, "CANCELED")
        if runs:
            self._runner.interrupt(statement_id)

    def open_session(
        self, session_id: str, *, catalog: str | None, schema: str | None, configuration: Mapping[str, str]
    ) -> None:
        """Begin a session: what `USE`, `SET` and temporary views do in it stays in it. Raises SqlError."""
        # in the workspace's own catalog, a session without a schema begins where other statements do, too
        own = catalog in {None, self._catalog}
        self._runner.open_session(
            session_id,
            catalog=catalog or self._catalog,
            schema=schema or (self._schema if own else None),
            configuration=configuration,
        )

    def close_session(self, session_id: str) -> None:
        """End a session."""
        self._runner.close_session(session_id)

    def _find(self, statement_id: str) -> Statement:
        found = self._store.find(statement_id)
        if found is None:
            raise not_found(f"The statement {statement_id} was not found.")
        return found

    def _run(self, statement_id: str) -> None:
        try:
            self._execute(statement_id)
        except SqlError as error:
            self._fail(statement_id, str(error))
        except sqlite3.Error as error:
            self._log(traceback.format_exc())
            self._fail(statement_id, f"The workspace's database cannot keep this statement or its result: {error}")
        except Exception as error:  # the client must learn of it, whatever it was
            self._log(traceback.format_exc())
            self._fail(statement_id, f"The sandbox failed: {error!r}")

    def _execute(self, statement_id: str) -> None:
        statement = self._store.find(statement_id)
        if statement is None or not self._store.move(statement_id, "RUNNING"):
            return
        request = statement.request
        limit = int(request.get("row_limit") or DEFAULT_ROW_LIMIT)
        result = self._runner.sql(
            str(request["statement"]),
            request.get("parameters") or [],
            catalog=request.get("catalog") or self._catalog,
            schema=request.get("schema") or self._schema,
            row_limit=limit + 1,
            session_id=request.get("session_id"),
            statement_id=statement_id,
        )
        truncated = len(result.rows) > limit
        if truncated and request.get("whole_result"):
            raise SqlError(TOO_LARGE.format(limit=limit))
        columns = [
            {"name": item.name, "type_text": item.type_text, "type_name": item.type_name} for item in result.columns
        ]
        kept = {"columns": columns, "rows": result.rows[:limit], "truncated": truncated}
        self._move(statement_id, "SUCCEEDED", result=kept)

    def _fail(self, statement_id: str, error: str) -> None:
        """Keep that a statement failed, as soon as there is room; the next workspace fails what this one could not."""
        while True:
            try:
                self._move(statement_id, "FAILED", error=error)
                return
            except sqlite3.Error:
                self._log(traceback.format_exc())
                if self._leaving.wait(ERROR_PAUSE_SECONDS):
                    return

    def _move(self, statement_id: str, state: str, **values: Any) -> None:
        self._store.move(statement_id, state, **values)
        with self._ended:
            self._ended.notify_all()
