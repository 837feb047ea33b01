"""Looks after one service: starts or adopts its process, probes it, restarts it with backoff when it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import psutil

from sandbox import health
from sandbox.supervisor.model import ServiceLaunch, ServicePhase, ServiceState
from sandbox.supervisor.ownership import MARK, SERVICE_MARK, end, identify, of_service, signal_group

PROBE_INTERVAL_SECONDS = 0.1
WATCH_INTERVAL_SECONDS = 0.25
FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 30.0
STABLE_AFTER_SECONDS = 60.0
HOLD_SECONDS = 2.0
HOLD_INTERVAL_SECONDS = 0.02
LOG_LIMIT_BYTES = 20 * 1024 * 1024


def backoff_seconds(failures: int) -> float:
    """How long to wait before the start that follows `failures` ends in a row: 0.5, 1, 2 … 30 seconds."""
    return float(min(FIRST_BACKOFF_SECONDS * 2 ** max(failures - 1, 0), LONGEST_BACKOFF_SECONDS))


def describe_exit(code: int | None) -> str:
    """An exit status in words; None is a process that wasn't our child, whose status nobody learns."""
    if code is None:
        return "ended"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exited with {code}"


class ServiceRunner:
    """One service and the thread that looks after it; every change is told through `publish`.

    Its process is not started while `held` says so, for two seconds at most.
    """

    def __init__(
        self,
        launch: ServiceLaunch,
        *,
        before: ServiceState | None,
        publish: Callable[[ServiceState], None],
        on_ready: Callable[[], str],
        held: Callable[[], bool],
    ) -> None:
        self.launch = launch
        self._publish = publish
        self._on_ready = on_ready
        self._held = held
        self._stopping = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._state = before or ServiceState(name=launch.name, phase=ServicePhase.STARTING)
        self._thread = threading.Thread(target=self._look_after, name=launch.name, daemon=True)

    def start(self) -> None:
        """Begin to look after the service."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the service to end; `join` waits for it."""
        self._stopping.set()

    def join(self, timeout_seconds: float) -> None:
        """Wait until the service has ended."""
        self._thread.join(timeout_seconds)

    def _tell(self, **changes: object) -> None:
        self._state = replace(self._state, **changes)  # type: ignore[arg-type]
        self._publish(self._state)

    def _look_after(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                failures = self._one_life(failures)
            except Exception as error:  # without this thread nobody would start the service again, or say why not
                failures += 1
                # the process is still known: if it lives, the next round adopts it
                self._tell(phase=ServicePhase.BACKOFF, detail=f"its supervisor failed: {error!r}")
            if not self._stopping.is_set():
                self._stopping.wait(backoff_seconds(failures))
        self._end()

    def _one_life(self, failures: int) -> int:
        """From the start (or adoption) of a process to its end; returns how many ends in a row that makes."""
        begun = time.monotonic()
        process = self._adopt() or self._spawn_in_turn()
        healthy = process is not None and self._await_healthy(process, begun)
        if process is not None:
            self._watch(process)
        if self._stopping.is_set():
            return failures
        lived_seconds = time.monotonic() - begun
        if process is not None:
            self._sweep(process.pid)
            self._tell(last_exit=describe_exit(self._child.poll() if self._child else None))
        self._tell(
            phase=ServicePhase.BACKOFF,
            pid=None,
            created=None,
            restarts=self._state.restarts + 1,
            detail=f"{self._state.last_exit} after {lived_seconds:.1f} s",
        )
        return 1 if healthy and lived_seconds > STABLE_AFTER_SECONDS else failures + 1

    def _adopt(self) -> psutil.Process | None:
        """The process of an earlier supervisor, when it lives and is what the launch file describes."""
        process = identify(self._state.pid, self._state.created)
        if process is None:
            return None
        if self._state.fingerprint == self.launch.fingerprint:
            return process
        self._stop_process(process.pid)
        return None

    def _spawn_in_turn(self) -> psutil.Process | None:
        deadline = time.monotonic() + HOLD_SECONDS
        while self._held() and time.monotonic() < deadline:
            if self._stopping.wait(HOLD_INTERVAL_SECONDS):
                return None
        return self._spawn()

    def _spawn(self) -> psutil.Process | None:
        try:
            with self._log() as output:
                self._child = subprocess.Popen(
                    self.launch.argv,
                    env=os.environ | dict(self.launch.env) | {SERVICE_MARK: self.launch.name},
                    cwd=self.launch.cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                process = psutil.Process(self._child.pid)
        except (OSError, psutil.NoSuchProcess) as error:  # the disk may be full: then the log is what cannot be opened
            self._child = None
            self._tell(last_exit=f"could not start: {error}")
            return None
        self._tell(
            phase=ServicePhase.STARTING,
            pid=process.pid,
            created=process.create_time(),
            fingerprint=self.launch.fingerprint,
            detail="",
        )
        return process

    def _log(self) -> BinaryIO:
        """The service's log, opened for its process, with a line that says when it was started."""
        log = Path(self.launch.log)
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
            log.replace(log.with_suffix(".log.1"))
        output = log.open("ab", buffering=0)
        with contextlib.suppress(OSError):  # no room for the line: the process itself may need none
            output.write(f"--- {datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z starting {self.launch.name}\n".encode())
        return output

    def _alive(self, process: psutil.Process) -> bool:
        if self._child is not None and self._child.pid == process.pid:
            return self._child.poll() is None
        return identify(process.pid, self._state.created) is not None

    def _await_healthy(self, process: psutil.Process, begun: float) -> bool:
        while not self._stopping.is_set() and self._alive(process):
            complaint = health.check(self.launch.probe)
            # the answer counts only when our process still lives: a stranger may hold the port
            if not complaint and self._alive(process):
                try:
                    detail = self._on_ready()
                except Exception as error:  # whatever a service's ready step raises is that service's bad health
                    complaint = f"its ready step failed: {error}"
                else:
                    seconds = round(time.monotonic() - begun, 2)
                    self._tell(phase=ServicePhase.HEALTHY, detail=detail, healthy_after_seconds=seconds)
                    return True
            if complaint != self._state.detail:
                self._tell(detail=complaint)
            self._stopping.wait(PROBE_INTERVAL_SECONDS)
        return False

    def _watch(self, process: psutil.Process) -> None:
        # not Popen.wait: with a time limit it looks twenty times a second, for each service
        while self._alive(process) and not self._stopping.wait(WATCH_INTERVAL_SECONDS):
            pass

    def _stop_process(self, pid: int) -> None:
        signal_group(pid, signal.Signals[self.launch.stop_signal])
        deadline = time.monotonic() + self.launch.stop_seconds
        process = identify(pid, self._state.created)
        while process is not None and self._alive(process) and time.monotonic() < deadline:
            time.sleep(0.02)
        self._sweep(pid)

    def _sweep(self, pid: int) -> None:
        """Kill what a leader left behind: its group, and those of its descendants that made groups of their own."""
        signal_group(pid, signal.SIGKILL)
        end(of_service(os.environ.get(MARK, ""), self.launch.name), grace_seconds=0)

    def _end(self) -> None:
        if self._state.pid is not None:
            self._stop_process(self._state.pid)
            if self._child is not None:
                self._child.wait()
        self._tell(phase=ServicePhase.STOPPED, pid=None, created=None, detail="")
