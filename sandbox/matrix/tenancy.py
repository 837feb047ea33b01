"""The cells' sandboxes: each is one run's alone, is new when the cell starts, and is gone when it has ended."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import filelock

from sandbox import lifecycle
from sandbox.backends import BACKENDS
from sandbox.errors import ServiceNotHealthy
from sandbox.matrix.runner import NAME_PREFIX
from sandbox.paths import StatePaths
from sandbox.progress import Progress


@contextlib.contextmanager
def alone(paths: StatePaths) -> Iterator[None]:
    """Hold the cell's sandbox for this run; raises ServiceNotHealthy when another run of the matrix has it."""
    try:
        with _lock(paths).acquire(timeout=0):
            yield
    except filelock.Timeout:
        raise ServiceNotHealthy(
            f"another run of the matrix is at work on {paths.name}", next_command="sandbox matrix list"
        ) from None


def remove(paths: StatePaths, backend: str, progress: Progress) -> None:
    """Take the cell's sandbox down and delete it."""
    lifecycle.reset(BACKENDS[backend], paths, progress)


def remove_leftovers(project: Path, progress: Progress) -> None:
    """Take down and delete what runs that were killed have left; those of a living run stay."""
    for root in sorted((project / ".sandbox").glob(f"{NAME_PREFIX}*")):
        paths = StatePaths(project=project, name=root.name)
        try:
            with _lock(paths).acquire(timeout=0):
                for backend in BACKENDS:
                    remove(paths, backend, progress)
        except filelock.Timeout:
            continue
        except Exception as error:
            # a Docker that does not answer, say: that is no reason not to run cells that need none
            progress.note(f"{root.name}, left by an earlier run, could not be removed: {error}")


def _lock(paths: StatePaths) -> filelock.BaseFileLock:
    folder = paths.project / ".sandbox" / "_matrix" / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    # not reentrant across threads, and two cells never share one
    return filelock.FileLock(folder / f"{paths.name}.lock", thread_local=False)
