"""Takes a test run's sandbox down when the run was killed: a process of its own that waits until nobody uses it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from sandbox.backends import marker
from sandbox.paths import StatePaths
from sandbox.progress import Progress, Silent
from sandbox.testing.tenancy import file_of, is_last, take_down, users_file

_STARTED: list[subprocess.Popen[bytes]] = []
"""Kept, because a process that is forgotten while it runs is a warning of Python's, which fails a user's test."""


def start(paths: StatePaths) -> None:
    """Start the reaper of a sandbox, in a session of its own: what kills the test run does not kill it."""
    _STARTED.append(
        subprocess.Popen(
            [sys.executable, "-m", "sandbox.testing.reaper", str(paths.project), paths.name],
            cwd="/",
            env=dict(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    )


def reap(paths: StatePaths, progress: Progress) -> bool:
    """Wait until nobody uses the sandbox, and take it down where its last user did not; whether that was so."""
    with users_file(paths).open("a") as users:
        fcntl.flock(users, fcntl.LOCK_EX)
        left = file_of(paths)
        if not left.exists() or not paths.root.exists():
            users_file(paths).unlink(missing_ok=True)
            return False
        with left.open("a+", encoding="utf-8") as file:
            abandoned = is_last(file)
            if abandoned:
                take_down(marker.read(paths), paths, file, progress)
        users_file(paths).unlink(missing_ok=True)
        return abandoned


if __name__ == "__main__":
    reap(StatePaths(project=Path(sys.argv[1]), name=sys.argv[2]), Silent())
