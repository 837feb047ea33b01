"""One builder at a time, also when one was killed."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sandbox.runtimes.guard import held, held_if_free
from sandbox.runtimes.store import BUILDING_PREFIX
from sandbox.runtimes.uv import Cancelled


def test_free_and_held(tmp_path: Path) -> None:
    """A lock is free, then held, then free again."""
    lock = tmp_path / "locks" / "x.lock"

    with held(lock, cancelled=threading.Event()), held_if_free(lock) as free:
        assert not free

    with held_if_free(lock) as free:
        assert free


def test_waiting_can_be_cancelled(tmp_path: Path) -> None:
    """Who waits says so and gives up when told to."""
    lock, cancelled = tmp_path / "x.lock", threading.Event()
    said: list[str] = []

    def hear(line: str) -> None:
        said.append(line)
        cancelled.set()

    with (
        held(lock, cancelled=threading.Event()),
        pytest.raises(Cancelled),
        held(lock, cancelled=cancelled, on_wait=hear),
    ):
        raise AssertionError("it was held")

    assert said == ["waiting for another process that builds it"]


def test_orphan_of_a_killed_builder_is_ended(tmp_path: Path) -> None:
    """What a killed builder started keeps the lock, until the next builder ends it."""
    lock = tmp_path / "postgres-0.lock"
    builder = """
import subprocess, sys, threading
from pathlib import Path
from sandbox.runtimes.guard import held
with held(Path(sys.argv[1]), cancelled=threading.Event()) as descriptor:
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)", sys.argv[2]]
    orphan = subprocess.Popen(sleeper, stdout=subprocess.DEVNULL, pass_fds=(descriptor,))
    print(orphan.pid, flush=True)
    input()
"""
    command = [sys.executable, "-c", builder, str(lock), f"/x/{BUILDING_PREFIX}postgres-0-abcd/bin/python"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip().isdigit()
    process.kill()
    process.communicate()

    with held(lock, cancelled=threading.Event()):
        pass
