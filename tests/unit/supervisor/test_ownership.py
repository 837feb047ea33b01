"""Which processes are a sandbox's own."""

from __future__ import annotations

import os
import subprocess
import sys

from sandbox.supervisor import ownership

UNMARKED_CHILD = (
    "import subprocess, sys; "
    "child = subprocess.Popen([sys.executable, '-c', 'input()'], env={}); "
    "print(child.pid, flush=True); child.wait()"
)


def test_a_child_without_the_mark_belongs_by_its_parent() -> None:
    """A program that has overwritten its environment is still known by the process that it descends from."""
    environment = os.environ | {ownership.MARK: "one"}
    with subprocess.Popen(
        [sys.executable, "-c", UNMARKED_CHILD],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())

        assert ownership.belongs(parent.pid, "one")
        assert ownership.belongs(child, "one")
        assert not ownership.belongs(child, "another")
        assert not ownership.belongs(os.getpid(), "one")
        parent.communicate("\n")

    assert not ownership.belongs(child, "one")
