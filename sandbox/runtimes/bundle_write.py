"""Write a bundle, or bring one up to date: only what it lacks is fetched, and the manifest names only what is whole."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import shutil
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import filelock

from sandbox.errors import ConfigurationError, PrerequisiteMissing
from sandbox.progress import Progress
from sandbox.runtimes import jars
from sandbox.runtimes.builder import Build
from sandbox.runtimes.bundle import MANIFEST, Bundle, Part, Wanted, open_bundle, sha256_of, write_manifest
from sandbox.runtimes.bundle_wheels import Job, Shop, fetch, os_failed
from sandbox.runtimes.locks import derive_lock
from sandbox.runtimes.maven import maven_access
from sandbox.runtimes.preflight import RESERVE_MIB, choose_pythons
from sandbox.runtimes.pythons import Found
from sandbox.runtimes.registry import LOCKS, TOOL_LOCKS
from sandbox.runtimes.store import RuntimeRequest, cache_folder, lock_sha256, make_cache, runtimes_folder
from sandbox.runtimes.tools import Tools
from sandbox.runtimes.uv import Cancelled, RunPip

TOOL_MIB = {"tool": 90, "dev": 190}
"""What the wheels of the tool's own locks take."""
WHEELS_OF_RUNTIME = 0.45
"""The wheels of a runtime against the runtime: they are compressed, and hold no bytecode."""


def _real_pip() -> RunPip:
    from sandbox.runtimes.uv import run_pip

    return run_pip


@dataclass(frozen=True, kw_only=True)
class WriteTools:
    """What writing needs of the machine; tests pass their own."""

    tools: Tools = field(default_factory=Tools)
    pip: RunPip = field(default_factory=_real_pip)


@dataclass(frozen=True, kw_only=True)
class Written:
    """The bundle as it is now, and what was done for it: `fetched` and `kept` parts, by key."""

    bundle: Bundle
    fetched: tuple[str, ...]
    kept: tuple[str, ...]


def write_bundle(
    folder: Path,
    requests: Sequence[RuntimeRequest],
    *,
    tool_locks: Iterable[str] = tuple(TOOL_LOCKS),
    pythons: Sequence[str] = (),
    progress: Progress,
    cache_dir: Path | None = None,
    machine: WriteTools | None = None,
) -> Written:
    """Bring the bundle in `folder` to hold the wheels of these runtimes and of the tool's own locks.

    Each runtime is fetched for the Python that this machine would run it on and for those of `pythons` that it accepts;
    the tool's locks for this tool's Python and all of those. Parts of other platforms and runtimes stay. Raises
    ConfigurationError when the folder holds something else, PrerequisiteMissing when a Python, the network or room is
    lacking.
    """
    machine = machine or WriteTools()
    folder = folder.absolute()
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    work = cache_folder(cache_dir) / "bundle-work" / name
    try:
        bundle = prepare(folder)
        make_cache(work.parent.parent)
        work.parent.mkdir(exist_ok=True)
        with _alone(work.with_suffix(".lock"), folder, progress):
            _clear(work)
            bundle = open_bundle(folder)
            jobs = _jobs(requests, tuple(tool_locks), pythons, machine.tools, cache_dir, progress)
            missing = [job for job in jobs if not _is_whole(bundle, job)]
            _check_room(missing, bundle, machine.tools, work.parent)
            try:
                bundle = _fetch_all(missing, bundle, machine, work, progress)
            finally:
                _clear(work)
            _add_jars(requests, folder, cache_folder(cache_dir), progress)
            bundle = _tidy(bundle, jobs)
    except OSError as error:
        raise os_failed(folder, error) from error
    fetched = tuple(job.wanted.key for job in missing)
    return Written(bundle=bundle, fetched=fetched, kept=tuple(j.wanted.key for j in jobs if j not in missing))


def _add_jars(requests: Sequence[RuntimeRequest], folder: Path, cache: Path, progress: Progress) -> None:
    """The Java archives of the runtimes that have some; an installation checks each against the lock."""
    locks = {request.name: file for request in requests if (file := request.spec.jars_file)}
    for name, file in locks.items():
        with progress.step(f"Java archives of {name}") as step:
            files = jars.write_bundle(file.read_text("utf-8"), folder, cache=cache, access=maven_access())
            step.done(f"{len(files)} archives")


def prepare(folder: Path) -> Bundle:
    """Make the folder a bundle, empty at first; the bundle that it is already."""
    if (folder / MANIFEST).is_file():
        return open_bundle(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # what an interruption right at the beginning leaves
    foreign = sorted(path.name for path in folder.iterdir() if path.name not in (f"{MANIFEST}.new", "lost+found"))
    if foreign:
        raise ConfigurationError(
            f"{folder} is neither empty nor a bundle",
            why=f"it holds {', '.join(foreign[:5])}",
            next_command=f"sandbox bundle '{folder / 'sandbox-bundle'}'",
        )
    bundle = Bundle(folder=folder)
    write_manifest(bundle)
    return bundle


@contextlib.contextmanager
def _alone(path: Path, folder: Path, progress: Progress) -> Iterator[None]:
    lock = filelock.FileLock(path, mode=0o600)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        progress.note(f"another command writes {folder}; waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _clear(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _jobs(
    requests: Sequence[RuntimeRequest],
    tool_locks: tuple[str, ...],
    pythons: Sequence[str],
    tools: Tools,
    cache_dir: Path | None,
    progress: Progress,
) -> list[Job]:
    work = runtimes_folder(cache_dir)
    work.mkdir(parents=True, exist_ok=True)
    chosen: list[tuple[RuntimeRequest, tuple[str, Path]]] = []
    for accepted in _accepted(requests, pythons):
        chosen += choose_pythons(accepted, tools=tools, folder=work, offline=False, progress=progress).items()
    jobs = [_runtime_job(request, python, work, tools, progress) for request, python in dict.fromkeys(chosen)]
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    interpreters = {own: Path(getattr(sys, "_base_executable", None) or sys.executable)}
    interpreters |= {job.wanted.python_version: job.interpreter for job in jobs}
    if further := {minor for minor in pythons if minor not in interpreters}:
        interpreters |= _further(further, tools)
    jobs += [
        Job(
            wanted=Wanted(name=name, lock_sha256=lock_sha256(LOCKS / f"{name}.txt"), python_version=minor),
            interpreter=interpreter,
            lock=(LOCKS / f"{name}.txt").read_text("utf-8"),
            size_mib=TOOL_MIB[name],
        )
        for name in tool_locks
        for minor, interpreter in sorted(interpreters.items())
    ]
    return jobs


def _accepted(
    requests: Sequence[RuntimeRequest], pythons: Sequence[str]
) -> Iterator[Mapping[RuntimeRequest, tuple[str, ...]]]:
    """What to choose interpreters for: each runtime on the Python it would get, and on each that was asked for."""
    yield {request: request.spec.pythons for request in requests}
    for minor in pythons:
        if accepting := {request: (minor,) for request in requests if minor in request.spec.pythons}:
            yield accepting


def _further(minors: set[str], tools: Tools) -> dict[str, Path]:
    from sandbox.runtimes.pythons import find_pythons

    found: Found = (tools.find_pythons or find_pythons)(minors)
    if absent := sorted(minors - found.by_minor.keys()):
        raise PrerequisiteMissing(
            f"no Python {' or '.join(absent)} on this machine",
            why="\n".join(["looked at:", *found.looked_at]),
            next_command=f".venv/bin/uv python install {' '.join(absent)}",
        )
    return dict(found.by_minor)


def _runtime_job(
    request: RuntimeRequest, python: tuple[str, Path], work: Path, tools: Tools, progress: Progress
) -> Job:
    lock_file = request.spec.lock_file
    if request.lock is not None:
        lock_file = request.lock
    elif request.is_derived:
        lock_file = Build.of(request, python, work).derived_lock
        if not lock_file.is_file():
            with progress.step(f"lock {request.name}") as step:
                derive_lock(request, python=python[1], target=lock_file, uv=tools.uv)
                step.done("resolved with the project's additions")
    return Job(
        wanted=Wanted.of(request, python[0]),
        interpreter=python[1],
        lock=lock_file.read_text("utf-8"),
        size_mib=int(request.spec.size_mib * WHEELS_OF_RUNTIME),
    )


def _is_whole(bundle: Bundle, job: Job) -> bool:
    part = bundle.find(job.wanted)
    if part is None:
        return False
    expected = {f"wheels/{name}": digest for name, digest in part.files.items()} | {part.lock: part.lock_copy_sha256}
    return all(
        (bundle.folder / name).is_file() and sha256_of(bundle.folder / name) == digest
        for name, digest in expected.items()
    )


def _check_room(missing: list[Job], bundle: Bundle, tools: Tools, work: Path) -> None:
    needed = sum(job.size_mib for job in missing) + RESERVE_MIB if missing else 0
    for place in (bundle.folder, work):
        free = tools.free_bytes(place) // 2**20
        if free < needed:
            raise PrerequisiteMissing(
                f"not enough disk space for the bundle: {needed} MiB needed, {free} MiB free in {place}",
                why="\n".join(f"{job.wanted.name:<26}{job.size_mib:>6} MiB" for job in missing),
                next_command=f"df -h '{place}'    (the cache moves with SANDBOX_CACHE_DIR)",
            )


def _fetch_all(jobs: list[Job], bundle: Bundle, machine: WriteTools, work: Path, progress: Progress) -> Bundle:
    from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

    cancelled = threading.Event()
    placing = threading.Lock()
    parts: dict[str, Part] = dict(bundle.parts)
    shop = Shop(
        bundle=bundle,
        folder=work,
        uv=machine.tools.uv,
        pip=machine.pip,
        cancelled=cancelled,
        placing=placing,
        built={name: part.files[name] for part in parts.values() for name in part.built},
    )

    def run(job: Job) -> None:
        if cancelled.is_set():
            raise Cancelled
        with progress.step(f"wheels {job.wanted.name} py{job.wanted.python_version}") as step:
            part = fetch(job, shop, step)
            with placing:
                parts[job.wanted.key] = part
                write_manifest(dataclasses.replace(bundle, parts=parts))
            _clear(work / job.wanted.key)
            size = sum((bundle.wheels / name).stat().st_size for name in part.files) / 2**20
            step.done(f"{len(part.files)} wheels, {size:.0f} MiB" + (f", {len(part.built)} built" * bool(part.built)))

    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2), thread_name_prefix="wheels") as pool:
        futures = [pool.submit(run, job) for job in sorted(jobs, key=lambda job: -job.size_mib)]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            cancelled.set()
            for future in futures:
                future.cancel()
    errors = [None if future.cancelled() else future.exception() for future in futures]
    for error in errors:
        if error is not None and not isinstance(error, Cancelled):
            raise error
    return dataclasses.replace(bundle, parts=parts)


def _tidy(bundle: Bundle, jobs: list[Job]) -> Bundle:
    """Drop the parts that jobs of the same name and Python replaced, and the files that no part names."""
    current = {_place_of(bundle.parts[job.wanted.key]): job.wanted.key for job in jobs}
    parts = {key: part for key, part in bundle.parts.items() if current.get(_place_of(part), key) == key}
    bundle = dataclasses.replace(bundle, parts=parts)
    write_manifest(bundle)
    named = {name for part in parts.values() for name in part.files}
    locks = {Path(part.lock).name for part in parts.values()}
    for folder, keep in ((bundle.wheels, named), (bundle.folder / "locks", locks)):
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.name not in keep:
                path.unlink()
    return bundle


def _place_of(part: Part) -> tuple[str, ...]:
    return (part.name, part.python_version, part.system, part.machine, *sorted(part.additions))
