"""The cells' sandboxes: each is one run's alone, is new when the cell starts, and is gone when it has ended."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import filelock

from sandbox import lifecycle
from sandbox.backends import BACKENDS
from sandbox.errors import ServiceNotHealthy
from sandbox.matrix.runner import NAME_PREFIX
from sandbox.paths import StatePaths
from sandbox.progress import Progress

REAP_SECONDS = 30.0
"""How long a killed run's reaper may take to remove what that run left."""


@contextlib.contextmanager
def alone(paths: StatePaths, *, wait_seconds: float = REAP_SECONDS) -> Iterator[None]:
    """Hold the cell's sandbox for this run; raises ServiceNotHealthy when another run of the matrix has it.

    Should this process be killed, another one (`reaper.py`) removes the sandbox.
    """
    try:
        with lock(paths).acquire(timeout=wait_seconds), _watched(paths):
            yield
    except filelock.Timeout:
        raise ServiceNotHealthy(
            f"another run of the matrix is at work on {paths.name}", next_command="sandbox matrix list"
        ) from None


@contextlib.contextmanager
def _watched(paths: StatePaths) -> Iterator[None]:
    reaper = subprocess.Popen(
        [sys.executable, "-m", "sandbox.matrix.reaper", str(paths.project), paths.name],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # what kills the run does not kill it
        start_new_session=True,
    )
    try:
        yield
    finally:
        # before the lock is free, or it would find work
        reaper.kill()
        reaper.wait()


def remove(paths: StatePaths, backend: str, progress: Progress) -> None:
    """Take the cell's sandbox down and delete it."""
    lifecycle.reset(BACKENDS[backend], paths, progress)


def remove_leftovers(project: Path, progress: Progress) -> None:
    """Take down and delete what runs that were killed have left; those of a living run stay."""
    for root in sorted((project / ".sandbox").glob(f"{NAME_PREFIX}*")):
        paths = StatePaths(project=project, name=root.name)
        # what tests lay beside a cell's sandbox (`cell-1.cell-dags`) is the cell's: its lock guards it
        owner = StatePaths(project=project, name=root.name.partition(".")[0])
        try:
            with lock(owner).acquire(timeout=0):
                for backend in BACKENDS:
                    remove(paths, backend, progress)
        except filelock.Timeout:
            continue
        except Exception as error:
            # a Docker that does not answer, say: that is no reason not to run cells that need none
            progress.note(f"{root.name}, left by an earlier run, could not be removed: {error}")


def lock(paths: StatePaths) -> filelock.BaseFileLock:
    """What a run of the matrix holds while the cell's sandbox is its own."""
    folder = paths.project / ".sandbox" / "_matrix" / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    # not reentrant across threads, and two cells never share one
    return filelock.FileLock(folder / f"{paths.name}.lock", thread_local=False)
