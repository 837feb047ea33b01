"""Starts the supervisor of a process sandbox, and makes a new one end with the `up` that dies before it is done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from sandbox.backends.process_environment import clean_environment
from sandbox.paths import StatePaths
from sandbox.progress import Progress
from sandbox.services import SERVICES
from sandbox.supervisor import ownership
from sandbox.supervisor.model import RELEASED, SupervisorState, read_state

_STARTED: list[subprocess.Popen[bytes]] = []
"""The supervisors that this process has started: one that is forgotten while it runs is a warning of Python's, which
fails a test of whoever uses the pytest plugin."""


def longest_stop_seconds() -> float:
    """How long the slowest service may take to stop."""
    return max((entry.stop_seconds for entry in SERVICES.values()), default=0.0)


def settled_state(paths: StatePaths, progress: Progress) -> SupervisorState | None:
    """What runs, once a supervisor whose `up` was killed has stopped what that one had begun."""
    running = read_state(paths.state_file)
    if running is None or not running.leaving:
        return running
    if (supervisor := ownership.identify(running.pid, running.created)) is not None:
        progress.note("what an `up` that was killed had begun is being stopped; waiting for that")
        psutil.wait_procs([supervisor], timeout=longest_stop_seconds() + 5)
    return read_state(paths.state_file)


@contextmanager
def supervised(paths: StatePaths, running: SupervisorState | None) -> Iterator[None]:
    """Have a supervisor for the time of the block, and after it.

    A sandbox that begins is not left half started: its supervisor stops it when this process dies within the block,
    kill -9 included, for then the pipe between the two closes without a word. Whoever leaves the block, in whatever
    way, decides about the sandbox themselves.
    """
    supervisor = ownership.identify(running.pid, running.created) if running else None
    if supervisor is not None:
        supervisor.send_signal(signal.SIGHUP)
        yield
        return
    begins = running is None
    with (paths.logs / "supervisor.log").open("ab") as log:
        started = subprocess.Popen(
            [sys.executable, "-m", "sandbox.supervisor", str(paths.launch_file), str(paths.state_file)],
            env=clean_environment(os.environ) | {ownership.MARK: paths.instance_id},
            cwd=paths.root,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _STARTED.append(started)
    try:
        if not begins:
            _release(started)
        yield
    finally:
        if begins:
            _release(started)


def _release(supervisor: subprocess.Popen[bytes]) -> None:
    """Tell a supervisor that it need not end with this process."""
    assert supervisor.stdin is not None
    try:
        supervisor.stdin.write(RELEASED)
        supervisor.stdin.close()
    except BrokenPipeError:
        return  # it has ended already, and says so in its log
