"""up, down, reset: one at a time per sandbox, with rollback."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import filelock
import tenacity

from sandbox import health
from sandbox.archive import sample
from sandbox.backends import Backend, SandboxStatus, backend_of, cluster, marker
from sandbox.config import LoadedConfig
from sandbox.errors import ConfigurationError, PortTaken, ServiceNotHealthy
from sandbox.paths import StatePaths, make_private
from sandbox.plan import Plan, resolve
from sandbox.progress import Progress

LOCK_WAIT_SECONDS = 600.0
PORT_ATTEMPTS = 3
ONCE_MORE = "another program took a port while the sandbox started; once more, with ports that are free now"


@contextmanager
def exclusive(paths: StatePaths, progress: Progress) -> Iterator[None]:
    """Hold the sandbox's lifecycle lock; says so when another command has it, and waits for that one.

    Who removes the lock's file does so inside of this block: whoever waits then locks the new file, as everybody does.
    """
    lock = filelock.FileLock(paths.lock_file, mode=0o600)
    try:
        _acquire(lock, paths, timeout_seconds=0)
    except filelock.Timeout:
        progress.note(f"another command is at work on sandbox {paths.name}; waiting for it")
        try:
            _acquire(lock, paths, timeout_seconds=LOCK_WAIT_SECONDS)
        except filelock.Timeout:
            raise ServiceNotHealthy(
                f"another command has held {paths.lock_file} for {LOCK_WAIT_SECONDS:.0f} s",
                next_command="sandbox status",
            ) from None
    try:
        yield
    finally:
        lock.release()


@tenacity.retry(
    retry=tenacity.retry_if_exception_type(FileNotFoundError), stop=tenacity.stop_after_attempt(10), reraise=True
)
def _acquire(lock: filelock.BaseFileLock, paths: StatePaths, *, timeout_seconds: float) -> None:
    """Once more when the folder goes while we wait: the command that held the lock was a `reset`."""
    make_private(paths.root)
    keep_out_of_git(paths)
    lock.acquire(timeout=timeout_seconds)


def keep_out_of_git(paths: StatePaths) -> None:
    """Have Git ignore the state folders of a project, whatever its own .gitignore says."""
    file = paths.root.with_name(".gitignore")
    if not file.exists():
        file.write_text("*\n", encoding="utf-8")


def up(loaded: LoadedConfig, paths: StatePaths, progress: Progress, *, keep: bool) -> SandboxStatus:
    """Start the sandbox or repair it, and wait until it is healthy.

    What an `up` from nothing had started is taken down again when it fails or is interrupted, unless `keep`; a sandbox
    that was up before is left as it is.
    """
    plan = resolve(loaded.config, paths)
    backend = backend_of(plan.backend)
    with exclusive(paths, progress):
        _refuse_second_backend(paths, plan.backend)
        marker.write(paths, plan.backend)
        was_up = backend.status(paths).is_up
        try:
            if plan.backend != cluster.NAME:
                sample.ensure(loaded.config.archive.sample, paths.archives, progress)
            _start(backend, plan, loaded, progress)
        except BaseException:
            if not was_up and not keep and backend.down(paths, progress):
                progress.note("what had been started is stopped again; to look at it while it runs: sandbox up --keep")
            raise
        return backend.status(paths)


def _start(backend: Backend, plan: Plan, loaded: LoadedConfig, progress: Progress) -> None:
    """Have the backend start or repair; once more, on other ports, when another program was faster at one of them."""
    retry = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(PortTaken),
        stop=tenacity.stop_after_attempt(PORT_ATTEMPTS),
        before=lambda attempt: progress.note(ONCE_MORE) if attempt.attempt_number > 1 else None,
        reraise=True,
    )
    retry(backend.up, plan, explicit=set(loaded.origins), progress=progress)


def reload(loaded: LoadedConfig, paths: StatePaths, services: Collection[str], progress: Progress) -> SandboxStatus:
    """End the named services, then do what `up` does: it starts what is gone and what has other settings now."""
    backend = backend_of(marker.read(paths))
    config = loaded.config.model_copy(update={"backend": marker.read(paths)})
    with exclusive(paths, progress):
        backend.end(paths, services)
        _start(backend, resolve(config, paths), loaded, progress)
        return backend.status(paths)


def until_healthy(backend: Backend, paths: StatePaths, progress: Progress, *, timeout_seconds: float) -> None:
    """Return when every service of a running sandbox works; raises ServiceNotHealthy with what does not."""

    def complaint() -> str:
        return ", ".join(f"{each.name}: {each.detail}" for each in backend.status(paths).services if not each.healthy)

    with progress.step("health") as step:
        try:
            health.wait_until(complaint, timeout_seconds=timeout_seconds)
        except health.StillWaiting as error:
            raise ServiceNotHealthy(
                f"not healthy after {timeout_seconds:.0f} s", why=str(error), next_command="sandbox status"
            ) from None
        step.done("all healthy")


def _refuse_second_backend(paths: StatePaths, wanted: str) -> None:
    before = marker.read(paths)
    if before != wanted and backend_of(before).status(paths).is_up:
        raise ConfigurationError(
            f"sandbox {paths.name} is up on the {before} backend, not on {wanted}",
            why="its tables and history are there",
            next_command=f"sandbox down    (or give the other one a name: sandbox up --name {wanted})",
        )


def down(backend: Backend, paths: StatePaths, progress: Progress) -> bool:
    """Stop the sandbox; returns whether there was anything to stop."""
    if not paths.root.exists():
        return False
    with exclusive(paths, progress):
        stopped = backend.down(paths, progress)
        paths.lock_file.unlink(missing_ok=True)
    return stopped


def reset(backend: Backend, paths: StatePaths, progress: Progress) -> None:
    """Stop the sandbox and delete everything that it holds: tables, objects, history, credentials, logs."""
    if not paths.root.exists():
        backend.erase(paths, progress)
        return
    with exclusive(paths, progress):
        backend.down(paths, progress)
        backend.erase(paths, progress)
        _delete(paths)


def _delete(paths: StatePaths) -> None:
    """Delete the state folder; the lock's file last, for until then no other command begins to fill it again."""
    for entry in paths.root.iterdir():
        if entry == paths.lock_file:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)
    paths.lock_file.unlink(missing_ok=True)
    try:
        paths.root.rmdir()
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:  # the command that has waited for this one is at work there
            raise
