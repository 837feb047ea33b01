"""The daemon: `python -m sandbox.supervisor <launch.json> <state.json>`.

SIGHUP makes it read launch.json again: services that changed are restarted, the others run on. SIGTERM stops
everything. When it is killed, the services run on, and the next supervisor adopts them.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from pathlib import Path

import psutil

from sandbox.services import SERVICES
from sandbox.supervisor.model import (
    RELEASED,
    Launch,
    ServiceLaunch,
    ServicePhase,
    ServiceState,
    SupervisorState,
    read_launch,
    read_state,
    remove_traces,
    write_state,
)
from sandbox.supervisor.runner import ServiceRunner

CATCH_UP_SECONDS = 1.0
ABANDONED = 0
"""Beside the signals, what can end a supervisor."""


class Supervisor:
    """The services of one sandbox."""

    def __init__(self, launch_file: Path, state_file: Path) -> None:
        self._launch_file = launch_file
        self._state_file = state_file
        self._lock = threading.Lock()
        before = read_state(state_file)
        self._states: dict[str, ServiceState] = dict(before.services) if before else {}
        self._runners: dict[str, ServiceRunner] = {}
        self._created = psutil.Process().create_time()
        self._behind = False
        self._leaving = False

    def _write(self) -> None:
        state = SupervisorState(
            pid=os.getpid(),
            created=self._created,
            services=dict(sorted(self._states.items())),
            leaving=self._leaving,
        )
        try:
            write_state(self._state_file, state)
        except OSError:  # no room on the disk: the services must be looked after all the same
            self._behind = True
        else:
            self._behind = False

    def catch_up(self) -> None:
        """Write state.json where a full disk had kept it from being written."""
        with self._lock:
            if self._behind:
                self._write()

    def _publish(self, state: ServiceState) -> None:
        with self._lock:
            self._states[state.name] = state
            self._write()

    def reconcile(self) -> None:
        """Make what runs equal to launch.json."""
        launch = read_launch(self._launch_file)
        wanted = {service.name: service for service in launch.services}
        outdated = [
            name
            for name, runner in self._runners.items()
            if name not in wanted or runner.launch.fingerprint != wanted[name].fingerprint
        ]
        self._stop(outdated)
        with self._lock:
            self._write()
        for name, service in wanted.items():
            if name not in self._runners:
                self._runners[name] = self._start(service, launch)
        with self._lock:
            for name in set(self._states) - set(wanted):
                del self._states[name]
            self._write()

    def _start(self, service: ServiceLaunch, launch: Launch) -> ServiceRunner:
        entry = SERVICES[service.name]
        runner = ServiceRunner(
            service,
            before=self._states.get(service.name),
            publish=self._publish,
            on_ready=lambda: entry.on_ready(launch.context) if entry.on_ready else "",
            held=lambda: self._starting(entry.yields_to, launch),
        )
        runner.start()
        return runner

    def _starting(self, name: str, launch: Launch) -> bool:
        """Whether the service is one of this sandbox's and not healthy yet."""
        state = self._states.get(name)
        wanted = any(service.name == name for service in launch.services)
        return wanted and (state is None or state.phase is not ServicePhase.HEALTHY)

    def _stop(self, names: list[str]) -> None:
        stopping = [self._runners.pop(name) for name in names]
        for runner in stopping:
            runner.stop()
        for runner in stopping:
            runner.join(runner.launch.stop_seconds + 5)

    def abandon(self) -> None:
        """Stop everything and leave no trace: the `up` that began this sandbox was killed before it was done."""
        with self._lock:
            self._leaving = True
            self._write()
        self.stop()
        if not self._state_file.exists():
            remove_traces(read_launch(self._launch_file).context.paths)

    def stop(self) -> None:
        """Stop every service; state.json goes when all of them have ended."""
        self._stop(list(self._runners))
        if all(state.phase is ServicePhase.STOPPED for state in self._states.values()):
            self._state_file.unlink(missing_ok=True)


def _watch_starter(signals: queue.SimpleQueue[int]) -> None:
    """Put ABANDONED when the `up` that started this supervisor is gone without having released it."""
    if sys.stdin.buffer.read() != RELEASED:
        signals.put(ABANDONED)


def main() -> None:
    """Run until SIGTERM, or until the starter dies before it was done."""
    signals: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda received, _frame: signals.put(received))
    threading.Thread(target=_watch_starter, args=(signals,), daemon=True).start()
    supervisor = Supervisor(Path(sys.argv[1]), Path(sys.argv[2]))
    supervisor.reconcile()
    while True:
        try:
            received = signals.get(timeout=CATCH_UP_SECONDS)
        except queue.Empty:
            supervisor.catch_up()
            continue
        if received == signal.SIGHUP:
            supervisor.reconcile()
            continue
        supervisor.abandon() if received == ABANDONED else supervisor.stop()
        break


if __name__ == "__main__":
    main()
