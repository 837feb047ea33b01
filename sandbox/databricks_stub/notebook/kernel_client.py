"""One kernel as a client sees it: execute code, collect outputs, notice cancel, time limit and the kernel's death."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sandbox.databricks_stub.notebook.engine_watch import EngineWatch
from sandbox.databricks_stub.notebook.zygote import Child

if TYPE_CHECKING:
    import zmq

POLL_SECONDS = 0.1
READY_SECONDS = 60.0
INTERRUPT_SECONDS = 0.5
END_SECONDS = 2.0
RECONNECT_MILLISECONDS = 5
"""ZeroMQ's own 100 would be half of a kernel's start: the client is there before the kernel's sockets are."""


Interrupted = Literal["", "cancel", "timeout", "engine"]


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
    interrupted: Interrupted = ""
    execution_count: int | None = None


class Limits:
    """When an execution is to be given up: on request, at a moment of the monotonic clock, or with the Spark engine."""

    def __init__(self, cancel: threading.Event, deadline: float | None, engine: EngineWatch) -> None:
        self._cancel = cancel
        self._deadline = deadline
        self._engine = engine

    def reached(self) -> Interrupted:
        """Why it is to be given up now, if it is."""
        if self._cancel.is_set():
            return "cancel"
        if self._deadline is not None and time.monotonic() > self._deadline:
            return "timeout"
        if self._engine.has_ended():
            return "engine"
        return ""


class Kernel:
    """A kernel that runs, spoken to in Jupyter's protocol.

    jupyter_client's own blocking client makes an event loop per thread and leaves it; two sockets need none.
    """

    def __init__(self, child: Child, connection_file: Path) -> None:
        import zmq
        from jupyter_client.session import Session

        self.child = child
        self._connection_file = connection_file
        connection = json.loads(connection_file.read_text("utf-8"))
        self._session = Session(key=connection["key"].encode(), signature_scheme=connection["signature_scheme"])
        self._context = zmq.Context()
        self._context.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MILLISECONDS)
        self._context.setsockopt(zmq.LINGER, 0)
        self._outputs = self._context.socket(zmq.SUB)
        self._outputs.setsockopt(zmq.SUBSCRIBE, b"")
        self._requests = self._context.socket(zmq.DEALER)
        for connected, name in ((self._outputs, "iopub_port"), (self._requests, "shell_port")):
            connected.connect(f"ipc://{connection['ip']}-{connection[name]}")

    def prepare(self, code: str, limits: Limits) -> Execution:
        """Execute the first code, whose output nobody wants; raises KernelLost when the kernel does not come up."""
        message_id = self._ask(code, silent=True)
        give_up = time.monotonic() + READY_SECONDS
        reply: dict[str, Any] | None = None
        while reply is None or reply["parent_header"].get("msg_id") != message_id:
            if interrupted := limits.reached():
                return Execution(interrupted=interrupted)
            reply = self._next(self._requests, give_up)
        # its outputs can be missed until it has told that it sees the subscription: before, they are sent to nobody
        welcome: dict[str, Any] | None = None
        while welcome is None or welcome["msg_type"] != "iopub_welcome":
            if interrupted := limits.reached():
                return Execution(interrupted=interrupted)
            welcome = self._next(self._outputs, give_up)
        return _execution(reply["content"], "")

    def execute(self, code: str, limits: Limits, show: Callable[[dict[str, Any]], None]) -> Execution:
        """Execute code; each output message goes to `show`. Raises KernelLost when the kernel dies.

        When a limit is reached, the code is interrupted and what it still says is shown, for a short while.
        """
        message_id = self._ask(code, silent=False)
        interrupted: Interrupted = ""
        give_up: float | None = None
        while True:
            if not interrupted and (interrupted := limits.reached()):
                self.child.interrupt()
                give_up = time.monotonic() + INTERRUPT_SECONDS
            try:
                message = self._next(self._outputs, give_up)
            except KernelLost:
                if interrupted:
                    return Execution(interrupted=interrupted)
                raise
            if message is None or message["parent_header"].get("msg_id") != message_id:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return self._reply(message_id, interrupted)
            show(message)

    def _ask(self, code: str, *, silent: bool) -> str:
        content = {
            "code": code,
            "silent": silent,
            "store_history": not silent,
            "user_expressions": {},
            "allow_stdin": False,
            # nothing is queued behind it that would have to be given up; ipykernel would wait 0.1 s for more of that
            "stop_on_error": False,
        }
        asked: Any = self._session.send(self._requests, "execute_request", content)
        return str(asked["header"]["msg_id"])

    def _next(self, receiver: zmq.Socket[bytes], give_up: float | None) -> dict[str, Any] | None:
        """The next message, or None after a short while."""
        if receiver.poll(int(POLL_SECONDS * 1000)):
            message: dict[str, Any] | None = self._session.recv(receiver)[1]
            return message
        if self.child.ended.is_set():
            raise KernelLost(f"the notebook's kernel (pid {self.child.pid}) {self.child.how_it_ended()}")
        if give_up is not None and time.monotonic() > give_up:
            raise KernelLost(f"the notebook's kernel (pid {self.child.pid}) does not answer")
        return None

    def _reply(self, message_id: str, interrupted: Interrupted) -> Execution:
        while True:
            answer = self._next(self._requests, None)
            if answer is not None and answer["parent_header"].get("msg_id") == message_id:
                return _execution(answer["content"], interrupted)

    def close(self) -> None:
        """End the kernel, with what it has started, and remove its sockets."""
        self._context.destroy(linger=0)
        self.child.kill()
        self.child.ended.wait(END_SECONDS)
        for file in self._connection_file.parent.glob(f"{self._connection_file.stem}[.-]*"):
            with contextlib.suppress(FileNotFoundError):
                file.unlink()


def _execution(content: dict[str, Any], interrupted: Interrupted) -> Execution:
    error = None
    if content["status"] != "ok":
        error = CellError(
            name=content.get("ename", content["status"]),
            value=content.get("evalue", ""),
            traceback=tuple(content.get("traceback", ())),
        )
    return Execution(error=error, interrupted=interrupted, execution_count=content.get("execution_count"))
