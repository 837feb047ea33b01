"""The warm process of the engine's interpreter, seen from the workspace: it forks kernels on request.

One JSON object a line: `{"fork": {...}}` is answered by `{"id", "pid"}`; `{"exited", "code"}` comes when a child ends.
It ends when its standard input closes, which also happens when the workspace is killed.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FORK_SECONDS = 60.0
FORK_ATTEMPTS = 2
"""The second one starts the process anew: a task that happens to come when it has just been killed still runs."""


class ZygoteDied(Exception):
    """The warm process ended while something was asked of it."""


class Child:
    """A forked process and the group it leads: wait for its end, signal it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.ended = threading.Event()
        self.code: int | None = None

    def interrupt(self) -> None:
        """Ask it to stop what it does; one that has ended is left alone."""
        if not self.ended.is_set():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGINT)

    def kill(self) -> None:
        """End it, and what it has started (a shell command, say)."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: PermissionError for a group of zombies
            os.killpg(self.pid, signal.SIGKILL)
        if not self.ended.is_set():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def how_it_ended(self) -> str:
        """For messages."""
        if self.code is None:
            return "ended together with the process that all kernels are forked from"
        if self.code < 0:
            return f"was killed by {signal.Signals(-self.code).name}"
        return f"ended with exit code {self.code}"


class WarmProcess:
    """One life of the warm process; its children and the answers that are awaited from it end with it."""

    def __init__(self, python: Path, log: Path) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(python), "-m", "sandbox.databricks_stub.kernel"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
                # ipykernel enables the logger that pyspark has disabled: a cell would show each Spark error twice more
                env={"SPARK_CONNECT_LOG_LEVEL": "critical", **os.environ},
            )
        self.pid = self._process.pid
        self._log = log
        self._lock = threading.Lock()
        self._children: dict[int, Child] = {}
        self._answers: dict[int, queue.SimpleQueue[Child | None]] = {}
        self._numbers = itertools.count(1)
        self._over = False
        threading.Thread(target=self._listen, daemon=True, name=f"zygote-{self.pid}").start()

    @property
    def runs(self) -> bool:
        """Whether it can still be asked."""
        return not self._over and self._process.poll() is None

    def fork(self, request: Mapping[str, Any]) -> Child:
        """Fork one child."""
        ended = f"the kernels' parent process ended; see {self._log}"
        answer: queue.SimpleQueue[Child | None] = queue.SimpleQueue()
        with self._lock:
            if self._over:
                raise ZygoteDied(ended)
            number = next(self._numbers)
            self._answers[number] = answer
            stdin = self._process.stdin
            assert stdin is not None
            try:
                stdin.write(json.dumps({"id": number, "fork": dict(request)}) + "\n")
                stdin.flush()
            except (OSError, ValueError):  # ValueError: closed on this side
                del self._answers[number]
                raise ZygoteDied(ended) from None
        try:
            child = answer.get(timeout=FORK_SECONDS)
        except queue.Empty:
            raise ZygoteDied(f"the kernels' parent process does not answer; see {self._log}") from None
        if child is None:
            raise ZygoteDied(ended)
        return child

    def close(self) -> None:
        """End it and all its children."""
        stdin = self._process.stdin
        assert stdin is not None
        with self._lock, contextlib.suppress(OSError):
            stdin.close()
        self._process.wait()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as answers:
            for line in answers:
                told = json.loads(line)
                with self._lock:
                    self._take(told)
        with self._lock:
            self._over = True
            waiting, orphans = list(self._answers.values()), list(self._children.values())
            self._answers.clear()
            self._children.clear()
            assert self._process.stdin is not None
            with contextlib.suppress(OSError):  # what was not read any more
                self._process.stdin.close()
        self._process.wait()
        for answer in waiting:
            answer.put(None)
        for child in orphans:
            child.kill()
            child.ended.set()

    def _take(self, told: Mapping[str, Any]) -> None:
        """An answer or the news of an end; both are told in the order in which they happened, pids come again."""
        if "exited" in told:
            if child := self._children.pop(told["exited"], None):
                child.code = told["code"]
                child.ended.set()
            return
        child = self._children[told["pid"]] = Child(told["pid"])
        if answer := self._answers.pop(told["id"], None):
            answer.put(child)


class Zygote:
    """Starts the warm process when it is first needed, and anew when it has died."""

    def __init__(self, *, python: Path, log: Path, setup: Mapping[str, Any]) -> None:
        self._python = python
        self._log = log
        self._setup = setup
        self._lock = threading.Lock()
        self._process: WarmProcess | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Make sure that it runs; it warms up by itself."""
        self._running()

    def _running(self) -> WarmProcess:
        with self._lock:
            if self._closed:
                raise ZygoteDied("the workspace is stopping")
            if self._process is None or not self._process.runs:
                try:
                    self._process = WarmProcess(self._python, self._log)
                except OSError as error:
                    raise ZygoteDied(f"the engine's interpreter cannot be started: {error}") from error
            return self._process

    def fork(self, request: Mapping[str, Any]) -> Child:
        """Fork one child; raises ZygoteDied when that cannot be done even by a new process."""
        for attempt in range(1, FORK_ATTEMPTS + 1):
            try:
                return self._running().fork({**self._setup, **request})
            except ZygoteDied:
                if attempt == FORK_ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def close(self) -> None:
        """End it and all its children."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.close()
