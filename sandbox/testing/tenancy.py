"""Who uses a test run's sandbox: the first process starts it, the last one takes it down, a killed one counts no more.

Every process that uses the sandbox holds a shared lock on one file beside the sandbox's folder; the kernel gives the
lock back when the process ends, however it ends. So no process needs to know of the others. What a killed run left
behind is taken down by the reaper (`reaper.py`), and what that did not live to see by the next run.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sandbox import lifecycle
from sandbox.backends import BACKENDS, marker
from sandbox.config import LoadedConfig
from sandbox.paths import StatePaths
from sandbox.progress import Progress
from sandbox.services.spec import ServiceContext

DISPOSABLE_PREFIX = "pytest-"
"""Sandboxes of this name are made for one test run and deleted after it."""
_OURS, _FAILED = "started by a test run\n", "a test failed\n"


@contextmanager
def lent(
    loaded: LoadedConfig,
    paths: StatePaths,
    progress: Progress,
    *,
    failed: Callable[[], bool],
    keep: bool = False,
    watch: Callable[[StatePaths], None] = lambda paths: None,
) -> Iterator[ServiceContext]:
    """The addresses and credentials of a sandbox that is up.

    One that was up already is left as it is. Another one is started, and taken down when its last user leaves, unless
    `keep`; what a disposable one holds is deleted too, unless `failed()` says that somebody will want its logs. Raises
    what `lifecycle.up` and `lifecycle.down` raise.
    """
    backend = BACKENDS[loaded.config.backend]
    remove_leftovers(paths.project, progress)
    with _in_use(paths), joined(file_of(paths)) as file:
        ours = _OURS in _read(file)
        if not ours and not backend.status(paths).is_up:
            ours = True
            _append(file, _OURS)
            if not keep:
                watch(paths)
        if ours:
            lifecycle.up(loaded, paths, progress, keep=False)
        try:
            yield backend.context(paths)
        finally:
            if failed():
                _append(file, _FAILED)
            if ours and not keep and is_last(file):
                take_down(loaded.config.backend, paths, file, progress)


@contextmanager
def _in_use(paths: StatePaths) -> Iterator[None]:
    """Holds the lock for which the reaper waits, on a file of its own.

    Who leaves in good order must find out on the other one whether it is the last, without anybody waiting for it.
    """
    path = users_file(paths)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        try:
            yield
        finally:
            if is_last(file):
                path.unlink(missing_ok=True)


def users_file(paths: StatePaths) -> Path:
    """The file that is locked as long as anybody uses the sandbox."""
    return paths.root.with_name(f".{paths.name}.users")


def remove_leftovers(project: Path, progress: Progress) -> None:
    """Take down and delete the disposable sandboxes of test runs that were killed, or whose logs were kept."""
    for path in sorted((project / ".sandbox").glob(f".{DISPOSABLE_PREFIX}*.tests")):
        with path.open("a+", encoding="utf-8") as file:
            if not is_last(file):
                continue
            paths = StatePaths(project=project, name=path.stem.removeprefix("."))
            lifecycle.reset(BACKENDS[marker.read(paths)], paths, progress)
            path.unlink(missing_ok=True)


def file_of(paths: StatePaths) -> Path:
    """The file that every test process of this sandbox locks."""
    return paths.root.with_name(f".{paths.name}.tests")


@contextmanager
def joined(path: Path) -> Iterator[IO[str]]:
    """The file at `path` under a shared lock; waits while somebody takes the sandbox down."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with path.open("a+", encoding="utf-8") as file:
            if is_last(file):
                file.truncate(0)  # what a run that was killed has noted says nothing about the sandbox of today
            fcntl.flock(file, fcntl.LOCK_SH)
            # who left last may have removed the file while we waited for it: then that lock guards nothing any more
            if path.exists() and path.stat().st_ino == os.fstat(file.fileno()).st_ino:
                yield file
                return


def is_last(file: IO[str]) -> bool:
    """Whether nobody else holds the lock; then we hold it alone, else not at all any more."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def take_down(backend: str, paths: StatePaths, file: IO[str], progress: Progress) -> None:
    """What the last user of a sandbox leaves: nothing of a disposable one, unless a test failed."""
    disposable = paths.name.startswith(DISPOSABLE_PREFIX)
    if disposable and _FAILED not in _read(file):
        lifecycle.reset(BACKENDS[backend], paths, progress)
    else:
        lifecycle.down(BACKENDS[backend], paths, progress)
        if disposable:
            return  # the file stays: by it the next test run finds the folder that was kept
    Path(file.name).unlink(missing_ok=True)


def _read(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def _append(file: IO[str], text: str) -> None:
    file.write(text)
    file.flush()
