"""One builder at a time per runtime: a lock that the kernel takes back when its holders are gone."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.runtimes.uv import Cancelled, ignore

POLL_SECONDS = 0.1


@contextmanager
def held(path: Path, *, cancelled: threading.Event, on_wait: Callable[[str], None] = ignore) -> Iterator[int]:
    """Hold the lock at `path` and give its file descriptor; wait for another holder, saying so once.

    flock() belongs to the open file: a child that keeps the descriptor holds the lock too. So when a builder is killed
    the lock stays taken until the uv that it started has ended, and nobody clears away what uv still writes.
    """
    descriptor = _open(path)
    try:
        told = False
        while not _taken(descriptor):
            if not told:
                on_wait("waiting for another process that builds it")
                told = True
            if cancelled.wait(POLL_SECONDS):
                raise Cancelled
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
