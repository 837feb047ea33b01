"""The resident SQL session, seen from the workspace: started in the background, started again when it has died."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.notebook.engine_watch import EngineDown, EngineWatch
from sandbox.databricks_stub.notebook.model import SqlError
from sandbox.databricks_stub.notebook.zygote import Child, Zygote, ZygoteDied

START_SECONDS = 60.0
STATEMENT_SECONDS = 3600.0
LOOK_SECONDS = 0.2
TOUCH_SECONDS = 5.0


class SqlSession:
    """Executes one statement per connection to the session's Unix socket."""

    def __init__(self, zygote: Zygote, socket_file: Path, remote: str) -> None:
        self._zygote = zygote
        self._socket_file = socket_file
        self._remote = remote
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._child: Child | None = None
        self._engine: EngineWatch | None = None

    def start(self) -> None:
        """Begin to start it; the first statement waits for it."""
        threading.Thread(target=self._start_quietly, daemon=True, name="sql-session").start()
        threading.Thread(target=self._keep_in_touch, daemon=True, name="engine-watch").start()

    def _start_quietly(self) -> None:
        with contextlib.suppress(SqlError):  # the statement that needs it tries again and tells
            self._ensure()

    def _keep_in_touch(self) -> None:
        """Answer the engine's pings also while there are no statements.

        Measured 2026-11, pysail 0.7.2: otherwise it hangs up after somewhat more than a minute, which looks as if it
        had ended: what clients have set in their sessions would be lost.
        """
        while not self._closed.wait(TOUCH_SECONDS):
            engine = self._engine
            if engine is not None:
                engine.has_ended()

    def _ensure(self) -> EngineWatch:
        """The engine that the session's tables are known to; a session of an engine that has ended is made anew."""
        with self._lock:
            if self._closed.is_set():
                raise SqlError("the workspace is stopping")
            if self._child is not None and self._engine is not None:
                if not self._child.ended.is_set() and not self._engine.has_ended():
                    return self._engine
                self._child.kill()
                self._engine.close()
            self._child = None
            try:
                self._engine = EngineWatch(self._remote, self._closed)
                self._socket_file.unlink(missing_ok=True)
                self._child = self._zygote.fork({"kind": "sql", "socket": str(self._socket_file)})
            except (EngineDown, ZygoteDied) as error:
                raise SqlError(str(error)) from error
            return self._engine

    def close(self) -> None:
        """End the session, for good."""
        self._closed.set()
        with self._lock:
            if self._child is not None:
                self._child.kill()
            if self._engine is not None:
                self._engine.close()
            self._child = self._engine = None

    def execute(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The session's answer; raises SqlError when it cannot be had, or is an error in the engine's words."""
        engine = self._ensure()
        try:
            with self._connect() as connection:
                connection.sendall(json.dumps(dict(request)).encode() + b"\n")
                line = _answer(connection, engine)
        except (OSError, EngineDown) as error:
            raise SqlError(f"the SQL session does not answer: {error}") from error
        if not line:
            raise SqlError("the SQL session ended while the statement ran; see the log of the workspace's kernels")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise SqlError(answer["error"])
        return answer

    def _connect(self) -> socket.socket:
        deadline = time.monotonic() + START_SECONDS
        while True:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(STATEMENT_SECONDS)
            try:
                connection.connect(str(self._socket_file))
            except (FileNotFoundError, ConnectionRefusedError):
                connection.close()
                child = self._child
                if child is None or child.ended.is_set() or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return connection


def _answer(connection: socket.socket, engine: EngineWatch) -> bytes:
    """The line that comes back; raises EngineDown when the engine ends before."""
    deadline = time.monotonic() + STATEMENT_SECONDS
    while not select.select([connection], [], [], LOOK_SECONDS)[0]:
        if engine.has_ended():
            raise EngineDown("the Spark engine ended while the statement ran")
        if time.monotonic() > deadline:
            raise TimeoutError(f"the statement took longer than {STATEMENT_SECONDS:.0f} s")
    with connection.makefile("rb") as stream:
        return stream.readline()
