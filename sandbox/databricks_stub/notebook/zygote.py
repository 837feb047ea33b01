"""The warm process of the engine's interpreter, seen from the workspace: it forks kernels on request.

One JSON object a line: `{"fork": {...}}` is answered by `{"id", "pid"}`; `{"exited", "code"}` comes when a child ends.
It ends when its standard input closes, which also happens when the workspace is killed.
"""

from __future__ import annotations

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


class ZygoteDied(Exception):
    """The warm process ended while something was asked of it."""


class Child:
    """A forked process: wait for its end, signal it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.ended = threading.Event()
        self.code: int | None = None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; a child that has ended is left alone."""
        if not self.ended.is_set():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                self.ended.set()


class Zygote:
    """Starts the process when it is first needed, and anew when it has died."""

    def __init__(self, *, python: Path, log: Path, setup: Mapping[str, Any]) -> None:
        self._python = python
        self._log = log
        self._setup = setup
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._children: dict[int, Child] = {}
        self._answers: dict[int, queue.SimpleQueue[int | None]] = {}
        self._numbers = itertools.count(1)

    def start(self) -> None:
        """Make sure that it runs; it warms up by itself."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    [str(self._python), "-m", "sandbox.databricks_stub.kernel"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
            threading.Thread(target=self._listen, args=(self._process,), daemon=True, name="zygote").start()

    def fork(self, request: Mapping[str, Any]) -> Child:
        """Fork one child; raises ZygoteDied when the process ends before it has."""
        self.start()
        number = next(self._numbers)
        answer: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        with self._lock:
            process = self._process
            assert process is not None and process.stdin is not None
            self._answers[number] = answer
            try:
                process.stdin.write(json.dumps({"id": number, "fork": {**self._setup, **request}}) + "\n")
                process.stdin.flush()
            except BrokenPipeError:
                raise ZygoteDied(f"the kernels' parent process ended; see {self._log}") from None
        try:
            pid = answer.get(timeout=FORK_SECONDS)
        except queue.Empty:
            raise ZygoteDied(f"the kernels' parent process does not answer; see {self._log}") from None
        finally:
            self._answers.pop(number, None)
        if pid is None:
            raise ZygoteDied(f"the kernels' parent process ended; see {self._log}")
        return self._child(pid)

    def close(self) -> None:
        """End it and all its children."""
        with self._lock:
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()
                self._process.wait()

    def _child(self, pid: int) -> Child:
        with self._lock:
            return self._children.setdefault(pid, Child(pid))

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            told = json.loads(line)
            if "exited" in told:
                child = self._child(told["exited"])
                child.code = told["code"]
                child.ended.set()
            elif answer := self._answers.get(told["id"]):
                answer.put(told["pid"])
        for answer in list(self._answers.values()):
            answer.put(None)
        for child in list(self._children.values()):
            child.ended.set()
