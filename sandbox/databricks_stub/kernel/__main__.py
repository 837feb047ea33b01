"""The warm process: imports what every notebook needs once, then forks a kernel or a SQL session per request.

Requests and answers are JSON lines, see notebook/zygote.py. Where forking is unsafe (macOS), each child is a fresh
interpreter that imports for itself; that way is reasoned about, not tested.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import select
import signal
import sys
from typing import Any

PR_SET_PDEATHSIG = 1
NICENESS = 5
"""Notebooks yield to what a person or Airflow waits for; on a machine with idle cores it changes nothing."""


def warm_up() -> None:
    """Import what takes long; nothing here may start a thread or open a connection."""
    os.nice(NICENESS)
    gc.disable()
    # the debugger's 70 ms and 12 MiB in every kernel serve nobody: ipykernel goes without when it cannot be imported
    sys.modules["debugpy"] = None  # type: ignore[assignment]
    import ipykernel.debugger

    del sys.modules["debugpy"]
    import ipykernel.ipkernel
    import ipykernel.kernelapp  # noqa: F401
    import IPython.core.completerlib
    import IPython.core.debugger
    import IPython.core.magics
    import IPython.extensions.storemagic  # noqa: F401
    import pandas  # noqa: F401
    import pyarrow  # noqa: F401
    import pyspark.sql.connect.catalog
    import pyspark.sql.connect.session
    import pyspark.sql.functions  # noqa: F401
    import tornado.platform.asyncio  # noqa: F401

    from sandbox.databricks_stub.kernel import engines, notebook_kernel, sql_session  # noqa: F401

    for name in engines.ENGINES:
        engines.warm_up(name)
    with contextlib.suppress(ImportError):  # half a second, for each notebook that opens a file of a volume
        import boto3  # noqa: F401
        import botocore.handlers
        import botocore.signers  # noqa: F401

    _render_a_traceback()
    gc.freeze()
    gc.enable()


def _render_a_traceback() -> None:
    """The first one imports a lot and looks up the file of every module: 0.1 s, at each dbutils.notebook.exit too."""
    from IPython.core.ultratb import VerboseTB

    try:
        raise ValueError
    except ValueError as error:
        VerboseTB().structured_traceback(type(error), error, error.__traceback__)


def run_child(request: dict[str, Any]) -> None:
    """Be a kernel or a SQL session until it ends."""
    import numpy

    numpy.random.seed()  # its state was made before the fork: every notebook would draw the same numbers
    if request["kind"] == "sql":
        from sandbox.databricks_stub.kernel.sql_session import serve

        serve(request)
    else:
        from sandbox.databricks_stub.kernel.notebook_kernel import serve as serve_kernel

        serve_kernel(request)


def _fork(request: dict[str, Any], keep_out: tuple[int, ...]) -> int:
    if sys.platform == "darwin":
        argv = [sys.executable, "-m", "sandbox.databricks_stub.kernel", json.dumps(request)]
        return os.posix_spawn(argv[0], argv, os.environ)
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        _leave_parent(parent, keep_out, request["log"])
        run_child(request)
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _leave_parent(parent: int, keep_out: tuple[int, ...], log: str) -> None:
    """In the child: die with the parent, default signals, own output."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setpgid(0, 0)
    for descriptor in keep_out:
        os.close(descriptor)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    output = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)


def main() -> None:
    """Answer requests until standard input ends, then end every child."""
    if len(sys.argv) > 1:
        run_child(json.loads(sys.argv[1]))
        return
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print must not get between the answers
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    warm_up()
    children: set[int] = set()
    pending = b""
    while True:
        ready, _, _ = select.select([0, read], [], [])
        if read in ready:
            os.read(read, 4096)
            _reap(children, answers)
        if 0 not in ready:
            continue
        data = os.read(0, 1 << 16)
        if not data:
            break
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            asked = json.loads(line)
            pid = _fork(asked["fork"], (read, write, answers.fileno()))
            children.add(pid)
            answers.write(json.dumps({"id": asked["id"], "pid": pid}) + "\n")
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def _reap(children: set[int], answers: Any) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        children.discard(pid)
        answers.write(json.dumps({"exited": pid, "code": os.waitstatus_to_exitcode(status)}) + "\n")


if __name__ == "__main__":
    main()
