"""One kernel as a client sees it: execute code, collect outputs, notice cancel, time limit and the kernel's death."""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sandbox.databricks_stub.notebook.zygote import Child

POLL_SECONDS = 0.1
READY_SECONDS = 60.0
READY_POLL_SECONDS = 0.05
END_SECONDS = 2.0


class KernelLost(Exception):
    """The kernel ended while it was needed; the message says how."""


@dataclass(frozen=True, kw_only=True)
class CellError:
    """An exception in a cell: its name, its text, its traceback's lines."""

    name: str
    value: str
    traceback: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Execution:
    """What came of one piece of code."""

    error: CellError | None = None
    interrupted: Literal["", "cancel", "timeout"] = ""
    execution_count: int | None = None


class Kernel:
    """A kernel that runs; jupyter_client speaks its protocol."""

    def __init__(self, child: Child, connection_file: Path) -> None:
        from jupyter_client.blocking.client import BlockingKernelClient

        self.child = child
        self._connection_file = connection_file
        self._client = BlockingKernelClient(connection_file=str(connection_file))
        self._client.load_connection_file()
        self._client.start_channels(hb=False)
        self._ready = False

    def execute(
        self,
        code: str,
        *,
        cancel: threading.Event,
        deadline: float | None,
        show: Callable[[dict[str, Any]], None],
    ) -> Execution:
        """Execute code; each output message goes to `show`. Raises KernelLost when the kernel dies."""
        if not self._ready:
            self._await_ready()
        message_id = self._client.execute(code, allow_stdin=False, stop_on_error=True)
        while True:
            if cancel.is_set():
                return Execution(interrupted="cancel")
            if deadline is not None and time.monotonic() > deadline:
                return Execution(interrupted="timeout")
            try:
                message = self._client.get_iopub_msg(timeout=POLL_SECONDS)
            except queue.Empty:
                self._check_alive()
                continue
            if message["parent_header"].get("msg_id") != message_id:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return self._reply(message_id)
            show(message)

    def _await_ready(self) -> None:
        """Ask for the kernel's info until an answer came on both channels: a subscription takes effect some time after
        it was made, and what is published before then is lost."""
        deadline = time.monotonic() + READY_SECONDS
        answered = heard = False
        while not (answered and heard):
            self._client.kernel_info()
            with contextlib.suppress(queue.Empty):
                self._client.get_shell_msg(timeout=READY_POLL_SECONDS)
                answered = True
            with contextlib.suppress(queue.Empty):
                self._client.get_iopub_msg(timeout=READY_POLL_SECONDS)
                heard = True
            self._check_alive()
            if time.monotonic() > deadline:
                raise KernelLost(
                    f"the notebook's kernel (pid {self.child.pid}) did not answer within {READY_SECONDS:.0f} s"
                )
        self._ready = True

    def _check_alive(self) -> None:
        if self.child.ended.is_set():
            code = self.child.code
            killed = code is not None and code < 0
            how = f"was killed by {signal.Signals(-(code or 0)).name}" if killed else f"ended with {code}"
            raise KernelLost(f"the notebook's kernel (pid {self.child.pid}) {how}")

    def _reply(self, message_id: str) -> Execution:
        while True:
            try:
                reply = self._client.get_shell_msg(timeout=POLL_SECONDS)
            except queue.Empty:
                self._check_alive()
                continue
            if reply["parent_header"].get("msg_id") != message_id:
                continue
            content = reply["content"]
            error = None
            if content["status"] != "ok":
                error = CellError(
                    name=content.get("ename", content["status"]),
                    value=content.get("evalue", ""),
                    traceback=tuple(content.get("traceback", ())),
                )
            return Execution(error=error, execution_count=content.get("execution_count"))

    def close(self) -> None:
        """End the kernel and remove its sockets."""
        self._client.stop_channels()
        self.child.signal(signal.SIGKILL)
        self.child.ended.wait(END_SECONDS)
        for file in self._connection_file.parent.glob(f"{self._connection_file.stem}[.-]*"):
            with contextlib.suppress(FileNotFoundError):
                file.unlink()
