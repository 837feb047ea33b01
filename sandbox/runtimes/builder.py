"""Build one runtime: in a folder beside its place, under a lock, renamed when whole; nothing half-made is left."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.progress import Progress, Step
from sandbox.runtimes.bundle import Bundle, Wanted
from sandbox.runtimes.failures import os_failed, uv_failed
from sandbox.runtimes.guard import held
from sandbox.runtimes.locks import derive_lock, lock_problems, pins
from sandbox.runtimes.store import (
    BUILDING_PREFIX,
    LOCK_COPY,
    SENTINEL,
    Runtime,
    RuntimeRequest,
    Sentinel,
    inputs_sha256,
    python_of,
    runtime_key,
    write_sentinel,
)
from sandbox.runtimes.sweep import discard, lock_path, remove
from sandbox.runtimes.uv import Cancelled, Outcome, RunUv, ignore


@dataclass(frozen=True, kw_only=True)
class Build:
    """A runtime to be built, with which interpreter, in which folder of runtimes."""

    request: RuntimeRequest
    python_version: str
    interpreter: Path
    folder: Path
    bundle: Bundle | None = None
    """Where the packages come from, when not from an index."""

    @classmethod
    def of(cls, request: RuntimeRequest, python: tuple[str, Path], folder: Path, bundle: Bundle | None = None) -> Build:
        """A build with the chosen Python: its minor version and its interpreter."""
        return cls(request=request, python_version=python[0], interpreter=python[1], folder=folder, bundle=bundle)

    @property
    def key(self) -> str:
        return runtime_key(self.request, self.python_version)

    @property
    def stem(self) -> str:
        return f"{self.request.name}-{self.key}"

    @property
    def target(self) -> Path:
        return self.folder / self.stem

    @property
    def runtime(self) -> Runtime:
        return Runtime(name=self.request.name, key=self.key, python_version=self.python_version, path=self.target)

    @property
    def derived_lock(self) -> Path:
        return self.folder.parent / "derived-locks" / f"{self.stem}.txt"


@dataclass(frozen=True, kw_only=True)
class Installer:
    """uv, bound to one build: its lock, its cancellation, its listener."""

    uv: RunUv
    folder: Path
    cancelled: threading.Event
    descriptor: int
    offline: bool
    on_line: Callable[[str], None] = ignore

    def __call__(self, *arguments: str) -> Outcome:
        if self.cancelled.is_set():
            raise Cancelled
        return self.uv(
            [*arguments, *(["--offline"] if self.offline and "--offline" not in arguments else [])],
            folder=self.folder,
            on_line=self.on_line,
            cancelled=self.cancelled,
            keep_open=(self.descriptor,),
        )


def run_build(build: Build, *, uv: RunUv, progress: Progress, cancelled: threading.Event, offline: bool) -> Runtime:
    """Build the runtime unless another process does meanwhile."""
    if cancelled.is_set():
        raise Cancelled
    with progress.step(f"runtime {build.request.name}") as step:
        with held(lock_path(build.folder, build.stem), cancelled=cancelled, on_wait=step.update) as descriptor:
            if _is_whole(build.target):
                step.done("built by another process")
                return build.runtime
            _clear(build.folder, build.stem)
            install = Installer(uv=uv, folder=build.folder, cancelled=cancelled, descriptor=descriptor, offline=offline)
            try:
                sentinel = _make(build, install, step)
            except OSError as error:
                raise os_failed(build.request.spec, build.folder, error) from error
        step.done(f"Python {build.python_version}, {sentinel.packages} packages, {sentinel.size_bytes / 2**20:.0f} MiB")
        return build.runtime


def _is_whole(target: Path) -> bool:
    return (target / SENTINEL).is_file() and python_of(target).exists()


def _clear(folder: Path, stem: str) -> None:
    """Clear the way for a build: its own leftovers, and a runtime whose interpreter was uninstalled."""
    for path in folder.glob(f"{BUILDING_PREFIX}{stem}-*"):
        discard(path)
    target = folder / stem
    if target.exists() and not discard(target):
        raise SandboxError(
            f"{target} is in the way of a runtime",
            why="it was not made by this tool",
            next_command=f"ls -la '{target}'",
        )


def _make(build: Build, install: Installer, step: Step) -> Sentinel:
    workshop = build.folder / f"{BUILDING_PREFIX}{build.stem}-{secrets.token_hex(4)}"
    sentinel = Sentinel(
        name=build.request.name,
        key=build.key,
        python_version=build.python_version,
        lock_sha256=inputs_sha256(build.request.spec),
        state="building",
        extra_requirements=build.request.additions,
    )
    workshop.mkdir()
    try:
        write_sentinel(workshop, sentinel)
        lock = _lock_text(build, install, step)
        packages = _install(build, install, step, workshop, lock)
        _add_jars(build, install, step, workshop)
        step.update("finishing")
        _finish(build, install, workshop)
        sentinel = replace(
            sentinel,
            state="built",
            packages=packages,
            size_bytes=_size_bytes(workshop),
            built_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        write_sentinel(workshop, sentinel)
        workshop.rename(build.target)
    except BaseException:
        remove(workshop)
        raise
    return sentinel


def _lock_text(build: Build, install: Installer, step: Step) -> str:
    if build.bundle is not None:
        return build.bundle.lock_file(Wanted.of(build.request, build.python_version)).read_text("utf-8")
    if not build.request.is_derived:
        return build.request.spec.lock_file.read_text("utf-8")
    if build.request.lock is not None:
        return build.request.lock.read_text("utf-8")
    if not build.derived_lock.is_file():
        step.update("resolving the project's additions")
        derive_lock(
            build.request,
            python=build.interpreter,
            target=build.derived_lock,
            uv=install.uv,
            cancelled=install.cancelled,
            keep_open=(install.descriptor,),
            offline=install.offline,
        )
    return build.derived_lock.read_text("utf-8")


def _install(build: Build, install: Installer, step: Step, workshop: Path, lock: str) -> int:
    if problems := lock_problems(lock):
        raise SandboxError(f"the lock of {build.request.name} is not usable", why="\n".join(problems))
    (workshop / LOCK_COPY).write_text(lock, "utf-8")
    step.update("making the venv")
    outcome = install(
        "venv", "--allow-existing", "--relocatable", "--no-project", "--python", str(build.interpreter), str(workshop)
    )
    if outcome.returncode == 0:
        step.update("resolving")
        listening = replace(install, on_line=_Phases(step, len(pins(lock))).hear)
        # sync, not install: the lock is complete, nothing is to be resolved
        outcome = listening(
            *("pip", "sync", "--require-hashes", "--compile-bytecode", "--python", str(python_of(workshop))),
            *(build.bundle.uv_options if build.bundle else ()),
            str(workshop / LOCK_COPY),
        )
    if outcome.returncode != 0:
        raise uv_failed(build.request.spec, build.folder, outcome, build.bundle)
    return sum(1 for _ in workshop.glob("lib/python*/site-packages/*.dist-info"))


def _add_jars(build: Build, install: Installer, step: Step, workshop: Path) -> None:
    lock = build.request.spec.jars_file
    if lock is None:
        return
    from sandbox.runtimes import jars
    from sandbox.runtimes.maven import maven_access

    text = lock.read_text("utf-8")
    found = jars.provide(
        jars.read_jars(text),
        cache=build.folder.parent,
        access=maven_access(bundle=build.bundle.folder if build.bundle else None, offline=install.offline),
        cancelled=install.cancelled,
        on_update=step.update,
    )
    jars.install(found.values(), workshop / jars.JARS_FOLDER)
    (workshop / jars.JARS_COPY).write_text(text, "utf-8")


def _finish(build: Build, install: Installer, workshop: Path) -> None:
    script = build.request.spec.finish_file
    if script is None:
        return
    python = str(python_of(workshop))
    # isolated: what lies beside the script is no module of its
    outcome = install("run", "--no-project", "--python", python, "python", "-I", str(script))
    if outcome.returncode != 0:
        raise uv_failed(build.request.spec, build.folder, outcome, build.bundle)


class _Phases:
    """Turns uv's lines into a step's detail."""

    def __init__(self, step: Step, packages: int) -> None:
        self._step = step
        self._packages = packages
        self._begun = 0
        self._ended = 0

    def hear(self, line: str) -> None:
        """Take one line of uv's."""
        words = line.split()
        match words[:1]:
            case ["Resolved"]:
                self._step.update(f"fetching {self._packages} packages")
            case ["Downloading" | "Building"]:
                self._begun += 1
                self._step.update(f"fetching {' '.join(words[1:])} ({self._ended} of {self._begun} large ones done)")
            case ["Downloaded" | "Built"]:
                self._ended += 1
                self._step.update(f"fetching ({self._ended} of {self._begun} large ones done)")
            case ["Prepared"]:
                self._step.update(f"installing {self._packages} packages")
            case ["Installed"]:
                self._step.update("byte-compiling")


def _size_bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_symlink() and path.is_file())
