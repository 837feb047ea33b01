"""NotebookRunner: takes a notebook through a kernel of its own, cell by cell, and keeps what it showed."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.notebook.engine_watch import EngineDown, EngineWatch
from sandbox.databricks_stub.notebook.kernel_client import Interrupted, Kernel, KernelLost, Limits
from sandbox.databricks_stub.notebook.model import Column, NotebookOutcome, NotebookTask, SqlError, SqlResult
from sandbox.databricks_stub.notebook.record import Record
from sandbox.databricks_stub.notebook.secrets import Redactor
from sandbox.databricks_stub.notebook.sql import SqlSession
from sandbox.databricks_stub.notebook.zygote import Zygote, ZygoteDied
from sandbox.databricks_stub.notebook_source import NotANotebook, NotebookCell, load
from sandbox.databricks_stub.settings import Settings

PREPARE = "from sandbox.databricks_stub.kernel.notebook_kernel import prepare as _p; _p(); del _p"
EXIT = "NotebookExit"


class NotebookRunner:
    """Executes notebooks and statements; safe to call from several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._kernels = settings.runtime_dir / "kernels"
        self._log = settings.state_dir / "kernels.log"
        self._zygote = Zygote(python=settings.engine.python, log=self._log, setup=self._setup())
        self._numbers = itertools.count(1)
        self._remote = "none://" if settings.engine.name == "none" else settings.engine.remote
        self._sql = SqlSession(self._zygote, settings.runtime_dir / "sql.sock", self._remote)

    def _setup(self) -> dict[str, Any]:
        settings = self._settings
        return {
            "engine": {"name": settings.engine.name, "remote": settings.engine.remote},
            "catalog": settings.catalog,
            "schemas": list(settings.schemas),
            "warehouse": str(settings.warehouse_dir),
            "volumes": {volume.path: volume.location for volume in settings.volumes},
            "secrets": {scope: dict(values) for scope, values in settings.secrets.items()},
            "project_root": str(settings.project_root),
            "repos": str(settings.repos_dir),
            "dbfs": str(settings.state_dir / "dbfs"),
            "log": str(self._log),
        }

    def start(self) -> None:
        """Warm up: the process that forks kernels, and the SQL session behind it."""
        self._kernels.mkdir(parents=True, exist_ok=True)
        self._zygote.start()
        self._sql.start()

    def close(self) -> None:
        """End every kernel."""
        self._sql.close()
        self._zygote.close()

    def sql(
        self,
        statement: str,
        parameters: Sequence[Mapping[str, Any]] = (),
        *,
        catalog: str,
        schema: str,
        row_limit: int,
        session_id: str | None = None,
        statement_id: str = "",
    ) -> SqlResult:
        """Execute one statement, in a session of its own if it names one; raises SqlError with the engine's message."""
        answer = self._sql.execute(
            {
                "kind": "statement",
                "statement": statement,
                "parameters": [dict(item) for item in parameters],
                "catalog": catalog,
                "schema": schema,
                "row_limit": row_limit,
                "session_id": session_id,
                "statement_id": statement_id or str(uuid.uuid4()),
            }
        )
        return SqlResult(columns=tuple(Column(**column) for column in answer["columns"]), rows=answer["rows"])

    def interrupt(self, statement_id: str) -> None:
        """End a statement that runs; one that does not is no matter."""
        with contextlib.suppress(SqlError):
            self._sql.execute({"kind": "interrupt", "statement_id": statement_id})

    def open_session(
        self, session_id: str, *, catalog: str, schema: str | None, configuration: Mapping[str, str]
    ) -> None:
        """Begin a session for statements; raises SqlError with the engine's message."""
        self._sql.execute(
            {
                "kind": "open",
                "session_id": session_id,
                "catalog": catalog,
                "schema": schema,
                "configuration": dict(configuration),
            }
        )

    def close_session(self, session_id: str) -> None:
        """End a session; one that has already ended with the engine is no matter."""
        with contextlib.suppress(SqlError):
            self._sql.execute({"kind": "close", "session_id": session_id})

    def run(self, task: NotebookTask, cancel: threading.Event) -> NotebookOutcome:
        """Execute a notebook to its end; whatever goes wrong is in the outcome."""
        record = Record(task, Redactor(self._settings.secrets, task.output_dir))
        try:
            cells = load(task.notebook_path)
        except (NotANotebook, OSError) as error:
            return record.failed(f"{type(error).__name__}: {error}")
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            # not UTF-8, or JSON of another shape than a notebook's
            return record.failed(f"NotANotebook: {task.notebook_path} cannot be read: {type(error).__name__}: {error}")
        record.begin(cells)
        try:
            engine = EngineWatch(self._remote, cancel)
        except EngineDown as error:
            return record.stopped(timed_out=False) if cancel.is_set() else record.failed(str(error))
        try:
            return self._in_kernel(task, cells, record, Limits(cancel, _deadline(task), engine))
        finally:
            engine.close()

    def _in_kernel(
        self, task: NotebookTask, cells: list[NotebookCell], record: Record, limits: Limits
    ) -> NotebookOutcome:
        connection_file = self._kernels / f"{next(self._numbers)}.json"
        try:
            child = self._zygote.fork(self._request(task, connection_file))
        except ZygoteDied as error:
            return record.failed(str(error))
        kernel = Kernel(child, connection_file)
        try:
            return _execute(kernel, cells, record, limits)
        except KernelLost as lost:
            return record.lost(str(lost))
        finally:
            kernel.close()

    def _request(self, task: NotebookTask, connection_file: Path) -> dict[str, Any]:
        from jupyter_client.connect import write_connection_file

        # Unix sockets in a private folder: no port, nobody else can reach the kernel
        write_connection_file(
            str(connection_file),
            ip=str(connection_file.with_suffix("")) + "-s",
            transport="ipc",
            key=os.urandom(24).hex().encode(),
        )
        return {
            "kind": "notebook",
            "connection_file": str(connection_file),
            "notebook_path": str(task.notebook_path),
            "output_dir": str(task.output_dir),
            "parameters": dict(task.parameters),
            "task_values": {key: dict(values) for key, values in task.task_values.items()},
        }


def _deadline(task: NotebookTask) -> float | None:
    return time.monotonic() + task.timeout_seconds if task.timeout_seconds else None


def _execute(kernel: Kernel, cells: list[NotebookCell], record: Record, limits: Limits) -> NotebookOutcome:
    first = kernel.prepare(PREPARE, limits)
    if first.interrupted:
        return _given_up(record, first.interrupted)
    if first.error is not None:
        return record.ended_by(first.error, cell=None)
    for number, cell in enumerate(cells, start=1):
        if cell.kind != "code" or not cell.code.strip():
            continue
        record.enter(number)
        done = kernel.execute(cell.code, limits, record.show)
        record.leave(done)
        if done.interrupted:
            return _given_up(record, done.interrupted)
        if done.error is not None and done.error.name == EXIT:
            return record.succeeded(done.error.value)
        if done.error is not None:
            return record.ended_by(done.error, cell=number)
    return record.succeeded(None)


def _given_up(record: Record, why: Interrupted) -> NotebookOutcome:
    if why == "engine":
        return record.lost("the Spark engine ended while the notebook ran")
    return record.stopped(timed_out=why == "timeout")
