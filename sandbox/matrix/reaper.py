"""Removes a cell's sandbox when the run of the matrix was killed: a process of its own that waits for the run's end.

The run holds a lock as long as it lives, and ends this process before it lets go; so whoever gets the lock here
survived a run that could not clean up.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import psutil

from sandbox.backends import marker
from sandbox.matrix import tenancy
from sandbox.matrix.runner import name_option
from sandbox.paths import StatePaths
from sandbox.progress import Silent

STOP_SECONDS = 10.0


def reap(paths: StatePaths) -> None:
    """Wait until the run is gone, end the tests that it left, and remove the sandbox that they used."""
    with tenancy.lock(paths):
        left = [process for process in psutil.process_iter() if _is_of(process, paths)]
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=STOP_SECONDS)
        if paths.root.exists():
            tenancy.remove(paths, marker.read(paths), Silent())


def _is_of(process: psutil.Process, paths: StatePaths) -> bool:
    """Whether this is the pytest of this project's cell."""
    try:
        return name_option(paths.name) in process.cmdline() and Path(process.cwd()) == paths.project.resolve()
    except psutil.Error:  # it has ended, or is somebody else's
        return False


if __name__ == "__main__":
    reap(StatePaths(project=Path(sys.argv[1]), name=sys.argv[2]))
