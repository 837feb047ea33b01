"""Is a built runtime what was built? Every file against its package's RECORD, every package against the lock."""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import subprocess
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox.runtimes.jars import problems_of
from sandbox.runtimes.locks import canonical, pins
from sandbox.runtimes.store import LOCK_COPY, RuntimeRequest, locate, our_folders, python_of, read_sentinel
from sandbox.runtimes.sweep import discard
from sandbox.runtimes.uv import RunUv, run_uv

READ_BYTES = 1 << 20
START_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What was checked in one runtime's folder, and what is wrong with it."""

    name: str
    path: Path
    files: int
    seconds: float
    problems: tuple[str, ...]
    damaged: tuple[str, ...] = ()
    """The packages whose files are not what they were."""

    @property
    def sound(self) -> bool:
        return not self.problems


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file as the RECORD of its package describes it, or of its packages: several may bring the same file."""

    package: str
    path: Path
    digests: tuple[tuple[str, str], ...]


def verify(name: str, *, cache_dir: Path | None = None) -> tuple[Verdict, ...]:
    """Check every built runtime of that name (a project's additions make several); none is built: no verdict."""
    folders = [
        folder for folder, sentinel in our_folders(cache_dir) if sentinel.name == name and sentinel.state == "built"
    ]
    located = locate(RuntimeRequest(name=name), cache_dir)
    if located is not None and located.path not in folders:
        folders.append(located.path)  # its sentinel exists but cannot be read: verify_folder says so
    return tuple(verify_folder(folder, name) for folder in folders)


def verify_folder(folder: Path, name: str) -> Verdict:
    """Check one runtime's folder."""
    begun = time.monotonic()
    problems = [] if read_sentinel(folder) else ["its sentinel is damaged"]
    problems += _interpreter_problems(folder)
    records = [record for site in _site_packages(folder) for record in sorted(site.glob("*.dist-info/RECORD"))]
    problems += _lock_problems(folder, [record.parent.name for record in records])
    entries = _merged(entry for record in records for entry in _entries(record))
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(_file_problem, entries, chunksize=64))
    problems += [problem for problem in found if problem]
    jar_count, jar_problems = problems_of(folder)
    problems += jar_problems
    damaged = {entry.package for entry, problem in zip(entries, found, strict=True) if problem}
    shown = tuple(problem.replace(f"{folder}/", "") for problem in problems)
    return Verdict(
        name=name,
        path=folder,
        files=len(entries) + jar_count,
        seconds=time.monotonic() - begun,
        problems=shown,
        damaged=tuple(sorted(damaged)),
    )


def remove_damaged(verdict: Verdict, *, uv: RunUv = run_uv) -> bool:
    """Remove an unsound runtime, for the next build to make again; False when it is not ours.

    uv links files from its own cache into a runtime, so what was changed there is changed in the cache too: the damaged
    packages are dropped from it.
    """
    if verdict.damaged:
        uv(["cache", "clean", *verdict.damaged], folder=verdict.path.parent)
    return discard(verdict.path)


def _site_packages(folder: Path) -> list[Path]:
    return sorted(folder.glob("lib/python*/site-packages"))


def _interpreter_problems(folder: Path) -> Iterator[str]:
    command = [str(python_of(folder)), "-I", "-c", "import sys; print(sys.prefix)"]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=START_SECONDS, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        yield f"its interpreter does not start: {error}"
        return
    if answer.returncode != 0 or Path(answer.stdout.strip()).resolve() != folder.resolve():
        yield f"its interpreter does not run in it: {(answer.stderr or answer.stdout).strip()[-300:]}"


def _lock_problems(folder: Path, dist_infos: list[str]) -> Iterator[str]:
    lock_copy = folder / LOCK_COPY
    if not lock_copy.is_file():
        yield "the lock that it was built from is missing"
        return
    locked = pins(lock_copy.read_text("utf-8"))
    for dist_info in dist_infos:
        name, version = dist_info.removesuffix(".dist-info").split("-", 1)
        if version not in locked.get(canonical(name), set()):
            yield f"{name} {version} is not in its lock"
    if not dist_infos:
        yield "no package is installed"


def _entries(record: Path) -> Iterator[Entry]:
    site = record.parent.parent
    package = canonical(record.parent.name.split("-", 1)[0])
    with record.open(newline="", encoding="utf-8") as file:
        for row in csv.reader(file):
            # bytecode is made anew from the files that are checked
            if len(row) >= 2 and row[1] and not row[0].endswith(".pyc"):
                algorithm, _, digest = row[1].partition("=")
                path = Path(os.path.normpath(site / row[0]))
                yield Entry(package=package, path=path, digests=((algorithm, digest),))


def _merged(entries: Iterable[Entry]) -> list[Entry]:
    merged: dict[Path, Entry] = {}
    for entry in entries:
        other = merged.get(entry.path)
        merged[entry.path] = replace(entry, digests=(*other.digests, *entry.digests)) if other else entry
    return list(merged.values())


def _file_problem(entry: Entry) -> str | None:
    digests = [hashlib.new(algorithm) for algorithm, _ in entry.digests]
    try:
        with entry.path.open("rb") as file:
            while block := file.read(READ_BYTES):
                for digest in digests:
                    digest.update(block)
    except OSError as error:
        return f"cannot be read: {entry.path} ({error.strerror})"
    actual = [base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode() for digest in digests]
    return None if any(a == e for a, (_, e) in zip(actual, entry.digests, strict=True)) else f"changed: {entry.path}"
