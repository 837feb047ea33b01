"""The resident SQL session, seen from the workspace: started in the background, started again when it has died."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.notebook.model import SqlError
from sandbox.databricks_stub.notebook.zygote import Child, Zygote, ZygoteDied

START_SECONDS = 60.0
STATEMENT_SECONDS = 3600.0


class SqlSession:
    """Executes one statement per connection to the session's Unix socket."""

    def __init__(self, zygote: Zygote, socket_file: Path) -> None:
        self._zygote = zygote
        self._socket_file = socket_file
        self._lock = threading.Lock()
        self._child: Child | None = None

    def start(self) -> None:
        """Begin to start it; the first statement waits for it."""
        threading.Thread(target=self._ensure, daemon=True, name="sql-session").start()

    def _ensure(self) -> None:
        with self._lock:
            if self._child is not None and not self._child.ended.is_set():
                return
            self._socket_file.unlink(missing_ok=True)
            with contextlib.suppress(ZygoteDied):  # the statement that needs it tries again and tells
                self._child = self._zygote.fork({"kind": "sql", "socket": str(self._socket_file)})

    def execute(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The session's answer; raises SqlError when it cannot be had."""
        self._ensure()
        try:
            with self._connect() as connection, connection.makefile("rwb") as stream:
                stream.write(json.dumps(dict(request)).encode() + b"\n")
                stream.flush()
                line = stream.readline()
        except OSError as error:
            raise SqlError(f"the SQL session does not answer: {error}") from error
        if not line:
            raise SqlError("the SQL session ended while the statement ran; see the log of the workspace's kernels")
        answer: dict[str, Any] = json.loads(line)
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
