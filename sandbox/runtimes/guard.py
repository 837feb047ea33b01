"""One builder at a time per runtime: a lock that the kernel takes back when its holders are gone."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.runtimes.store import BUILDING_PREFIX
from sandbox.runtimes.uv import Cancelled, ignore

POLL_SECONDS = 0.1


@contextmanager
def held(path: Path, *, cancelled: threading.Event, on_wait: Callable[[str], None] = ignore) -> Iterator[int]:
    """Hold the lock at `path` and give its file descriptor; wait for another holder, saying so once.

    flock() belongs to the open file: a child that keeps the descriptor holds the lock too. So when a builder is killed
    the lock stays taken until the uv that it started has ended, and nobody clears away what uv still writes. Who waits
    ends such an orphan (its command line names the folder that it fills, which contains the lock's name).
    """
    descriptor = _open(path)
    try:
        told = False
        while not _taken(descriptor):
            if not told:
                on_wait("waiting for another process that builds it")
                told = True
            if not _holder_lives(descriptor):
                _end_orphans(path.stem)
            if cancelled.wait(POLL_SECONDS):
                raise Cancelled
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def held_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock at `path` when nobody else does; gives whether it is held."""
    descriptor = _open(path)
    try:
        yield _taken(descriptor)
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder_lives(descriptor: int) -> bool:
    """Whether the process that took the lock, as it wrote there, is still there."""
    holder = os.pread(descriptor, 32, 0)
    if not holder.isdigit():
        return True  # it has only just taken it
    try:
        os.kill(int(holder), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _end_orphans(stem: str) -> None:
    import psutil

    for process in psutil.process_iter(["cmdline", "uids"]):
        arguments = process.info["cmdline"] or ()
        uids = process.info["uids"]
        mine = uids is not None and uids.real == os.getuid()
        if mine and any(f"{BUILDING_PREFIX}{stem}-" in argument for argument in arguments):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
