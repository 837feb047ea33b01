"""Import every DAG file as the dag-processor does, in a process that may hang or die, and report it as JSON.

One process imports file after file; when it dies or does not come back, the file that it was at gets the blame, and a
fresh one goes on with the next. Nothing of it touches the metadata database.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

FILE_SECONDS = 40.0
"""Airflow gives a file 30 seconds ([core] dagbag_import_timeout); this catches what its alarm cannot interrupt."""


def report(dags: Path) -> dict[str, Any]:
    """Import all DAG files under `dags`: {"seconds", "dags", "import_errors", "warnings"}."""
    from sandbox.airflow_launcher.dagbag import dag_files

    begun = time.monotonic()
    sys.path.insert(0, str(dags))
    answer: dict[str, Any] = {"dags": [], "import_errors": [], "warnings": []}
    waiting = dag_files(dags)
    while waiting:
        done = 0
        for found in _import_in_child(waiting, dags):
            for key in answer:
                answer[key] += found.get(key, [])
            done += 1
        waiting = waiting[done:]
    answer["seconds"] = round(time.monotonic() - begun, 3)
    return answer


def _import_in_child(files: list[str], dags: Path) -> Iterator[dict[str, Any]]:
    """What each file showed, in order; the last one is the file at which the child was lost, if it was."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        _import_all(files, dags, write)
    os.close(write)
    number = 0
    lost = ""
    with os.fdopen(read, "rb") as answers:
        while number < len(files):
            ready, _, _ = select.select([answers], [], [], FILE_SECONDS)
            line = answers.readline() if ready else b""
            if not line:
                lost = "" if ready else f"it did not import within {FILE_SECONDS:.0f} s"
                break
            yield json.loads(line)
            number += 1
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if number < len(files):
        if not lost:
            words = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            lost = f"importing it ended the interpreter ({words})"
        yield {"import_errors": [{"file": files[number], "line": None, "message": lost, "traceback": ""}]}


def _import_all(files: list[str], dags: Path, write: int) -> None:
    """In the child: one line of JSON per file; what DAG code prints goes to stderr."""
    code = 1
    try:
        os.dup2(2, 1)
        # the last two frames, which is the default, are often not the DAG file's own
        os.environ["AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACK_DEPTH"] = "100"
        from sandbox.airflow_launcher.dagbag import import_file

        with os.fdopen(write, "wb", buffering=0) as answers:
            for file in files:
                answers.write(json.dumps(import_file(file, dags), default=str).encode() + b"\n")
        code = 0
    finally:
        os._exit(code)


class ValidateServer:
    """A Unix socket at which each connection asks once: {} or {"dags": folder} -> the report, one JSON line each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.children: set[int] = set()

    def __enter__(self) -> Self:
        self._path.unlink(missing_ok=True)
        self._socket.bind(str(self._path))
        self._path.chmod(0o600)
        self._socket.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def fileno(self) -> int:
        """For `select`."""
        return self._socket.fileno()

    def answer(self) -> None:
        """Accept one connection and fork the process that answers it."""
        connection, _ = self._socket.accept()
        with connection:
            pid = os.fork()
            if pid == 0:
                self._serve(connection)
            self.children.add(pid)

    def _serve(self, connection: socket.socket) -> None:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            self._socket.close()
            with connection.makefile("rwb") as stream:
                question = json.loads(stream.readline())
                dags = question.get("dags") or os.environ["AIRFLOW__CORE__DAGS_FOLDER"]
                stream.write(json.dumps(report(Path(dags))).encode() + b"\n")
            code = 0
        finally:
            os._exit(code)


def run_once(dags: Path) -> int:
    """Print the report for a sandbox that is not up; exit code 1 when a file did not import."""
    answer = report(dags)
    print(json.dumps(answer))
    return 1 if answer["import_errors"] else 0
