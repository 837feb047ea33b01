"""`python -m sandbox.databricks_stub --config FILE`: bind, print one JSON line with the URL, serve until SIGTERM."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from sandbox.databricks_stub.settings import Settings, SettingsError, load

if TYPE_CHECKING:
    from types import FrameType

    import uvicorn

    from sandbox.databricks_stub.assembly import Runner, Workspace

LOCK_NAME = "workspace.lock"
LOCK_SECONDS = 10.0
USAGE_ERROR, NOT_STARTED = 2, 5


class NotStarted(Exception):
    """The workspace cannot start; the message says why."""


def main(argv: list[str]) -> int:
    """Serve one workspace; the exit code."""
    parser = argparse.ArgumentParser(prog="sandbox.databricks_stub", description=__doc__)
    parser.add_argument(
        "--config", type=Path, required=True, help="JSON file, see settings.py; the token comes by environment"
    )
    options = parser.parse_args(argv)
    try:
        settings = load(options.config, os.environ)
    except SettingsError as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE_ERROR
    try:
        serve(settings, _real_runner)
    except NotStarted as error:
        print(f"error: {error}", file=sys.stderr)
        return NOT_STARTED
    return 0


def _real_runner(settings: Settings) -> Runner:
    from sandbox.databricks_stub.notebook import NotebookRunner

    return NotebookRunner(settings)


def serve(settings: Settings, make_runner: Callable[[Settings], Runner]) -> None:
    """Serve until SIGTERM or SIGINT; raises NotStarted when the port or the state is taken."""
    listener = _bind(settings)
    lock = _lock(settings.state_dir)

    # Imported here: what cannot start says so at once.
    import uvicorn

    from sandbox.databricks_stub.assembly import assemble
    from sandbox.databricks_stub.store.database import DatabaseError

    try:
        workspace = assemble(settings, make_runner(settings), log=_log)
    except DatabaseError as error:
        raise NotStarted(str(error)) from error
    config = uvicorn.Config(
        workspace.app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=1, ws="none"
    )
    server = uvicorn.Server(config)
    server.handle_exit = _leaving(server, workspace)  # type: ignore[assignment,method-assign]
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn handles both while it serves, and raises them again when it is done: then, as before, we just leave.
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        with contextlib.suppress(SystemExit):
            workspace.start()
            print(json.dumps({"url": settings.url}), flush=True)
            server.run(sockets=[listener])
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        workspace.stop()
        listener.close()
        lock.close()


def _leaving(server: uvicorn.Server, workspace: Workspace) -> Callable[[int, FrameType | None], None]:
    """uvicorn's own handling of signals, and an end for the requests that wait for a statement: it waits for those."""
    handle_exit = server.handle_exit

    def leave(number: int, frame: FrameType | None) -> None:
        workspace.statements.leave()
        handle_exit(number, frame)

    return leave


def _bind(settings: Settings) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise NotStarted(f"cannot bind {settings.host}:{settings.port}: {error.strerror}") from error
    listener.listen(128)
    return listener


def _lock(state_dir: Path) -> TextIO:
    """Hold the state for ourselves: two workers over one store would run every task twice."""
    state_dir.mkdir(parents=True, exist_ok=True)
    file = (state_dir / LOCK_NAME).open("w")
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise NotStarted(f"another workspace uses {state_dir}") from None
            time.sleep(0.1)  # a predecessor that was told to stop may still be letting go


def _log(line: str) -> None:
    print(time.strftime("%Y-%m-%d %H:%M:%S"), line, flush=True)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # everything is released; a thread that still waits for an engine must not hold the process
