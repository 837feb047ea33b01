"""The wheels of one lock, fetched and where needed built by pip: uv installs packages, but keeps no wheels."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import PrerequisiteMissing, SandboxError
from sandbox.progress import Step
from sandbox.runtimes.bundle import Bundle, Part, Wanted, sha256_of
from sandbox.runtimes.pinned import Identity, Pin, installs, rounds, select, wheel_identity, with_hashes
from sandbox.runtimes.registry import LOCKS
from sandbox.runtimes.uv import Cancelled, Outcome, RunPip, RunUv

_COMMON = ("--no-deps", "--require-hashes", "--no-input", "--disable-pip-version-check", "--progress-bar", "off")
WHEEL = ("wheel", *_COMMON, "--wheel-dir")
DOWNLOAD = ("download", *_COMMON, "--only-binary", ":all:", "--ignore-requires-python", "--dest")
"""For what only other releases of the Python minor version install: `pip wheel` heeds Requires-Python whatever it is
told, and such a package could not be built here."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One lock to be fetched for one interpreter."""

    wanted: Wanted
    interpreter: Path
    lock: str
    size_mib: int


@dataclass(frozen=True, kw_only=True)
class Shop:
    """What fetching needs: the bundle's folder, a folder to work in, uv and pip."""

    bundle: Bundle
    folder: Path
    uv: RunUv
    pip: RunPip
    cancelled: threading.Event
    placing: threading.Lock
    """Held while files are put into the bundle: two locks share most of theirs."""
    built: dict[str, str]
    """The wheels in the bundle that were built, with their hashes: a second building would give other bytes."""


def fetch(job: Job, shop: Shop, step: Step) -> Part:
    """Put the job's wheels and the copy of its lock into the bundle, and describe them.

    Raises SandboxError and OSError; what was placed until then is whole.
    """
    workshop = shop.folder / job.wanted.key
    workshop.mkdir(parents=True)
    pins = select(job.lock, job.wanted.python_version)
    step.update("making the environment of pip")
    python = _pip_environment(job, shop, workshop)
    arrived = workshop / "wheels"
    heard = _Heard(step, len(pins))
    release = _release(python)
    for number, group in enumerate(rounds(pins)):
        for command, part in (
            (WHEEL, [pin for pin in group if installs(release, pin)]),
            (DOWNLOAD, [pin for pin in group if not installs(release, pin)]),
        ):
            if not part:
                continue
            requirements = workshop / f"{number}-{command[0]}.txt"
            requirements.write_text("\n".join(pin.requirement for pin in part) + "\n", "utf-8")
            arguments = [*command, str(arrived), "--requirement", str(requirements)]
            if shop.bundle.wheels.is_dir():
                arguments += ["--find-links", shop.bundle.wheels.as_uri()]
            outcome = _run(shop, python, arguments, workshop, heard.hear)
            if outcome.returncode != 0:
                raise _failed(job, shop, outcome)
    step.update("checking the hashes")
    return _place(job, shop, pins, arrived)


def pip_lock() -> str:
    """The tool's own pin of pip, with its hashes."""
    text = (LOCKS / "tool.txt").read_text("utf-8")
    return next(pin.requirement for pin in select(text, "3.11") if pin.identity[0] == "pip") + "\n"


def _pip_environment(job: Job, shop: Shop, workshop: Path) -> Path:
    """An environment with the locked pip: the interpreter itself may have none, or an old one."""
    venv = workshop / "venv"
    requirements = workshop / "pip.txt"
    requirements.write_text(pip_lock(), "utf-8")
    for arguments in (
        ["venv", "--no-project", "--python", str(job.interpreter), str(venv)],
        ["pip", "install", "--require-hashes", "--python", str(venv / "bin" / "python"), "-r", str(requirements)],
    ):
        outcome = shop.uv(arguments, folder=workshop, cancelled=shop.cancelled)
        if outcome.returncode != 0:
            raise _failed(job, shop, outcome)
    return venv / "bin" / "python"


def _release(python: Path) -> str:
    """The release of an environment's Python, `3.11.2`, as uv has written it down."""
    settings = (python.parent.parent / "pyvenv.cfg").read_text("utf-8")
    return next(line.split("=")[1].strip() for line in settings.splitlines() if line.startswith("version_info"))


def _run(shop: Shop, python: Path, arguments: list[str], folder: Path, on_line: Callable[[str], None]) -> Outcome:
    if shop.cancelled.is_set():
        raise Cancelled
    return shop.pip(python, arguments, folder=folder, on_line=on_line, cancelled=shop.cancelled)


class _Heard:
    """Turns pip's lines into a step's detail."""

    def __init__(self, step: Step, packages: int) -> None:
        self._step = step
        self._packages = packages
        self._seen = 0

    def hear(self, line: str) -> None:
        """Take one line of pip's."""
        if match := re.match(r"\s*Collecting (\S+)", line):
            self._seen += 1
            self._step.update(f"{self._seen} of {self._packages}: {match[1]}")
        elif match := re.match(r"\s*Building wheel for (\S+)", line):
            self._step.update(f"building {match[1]}")


def _place(job: Job, shop: Shop, pins: list[Pin], arrived: Path) -> Part:
    locked = {pin.identity: pin for pin in pins}
    files: dict[str, str] = {}
    built: dict[str, Identity] = {}
    shop.bundle.wheels.mkdir(parents=True, exist_ok=True)
    for wheel in sorted(arrived.glob("*.whl")):
        identity = wheel_identity(wheel.name)
        files[wheel.name] = sha256_of(wheel)
        if files[wheel.name] not in locked[identity].hashes:
            built[wheel.name] = identity
    if absent := locked.keys() - {wheel_identity(name) for name in files}:
        names = ", ".join(f"{name} {version}" for name, version in sorted(absent))
        raise SandboxError(f"pip left out packages of the lock {job.wanted.name}", why=names)
    with shop.placing:
        files |= {name: shop.built.setdefault(name, files[name]) for name in built}
        for name, digest in files.items():
            target = shop.bundle.wheels / name
            if not target.is_file() or sha256_of(target) != digest:
                put(arrived / name, target)
                files[name] = sha256_of(target)
        shop.built.update({name: files[name] for name in built})
        lock = Path("locks") / f"{job.wanted.key}.txt"
        copy = shop.bundle.folder / lock
        copy.parent.mkdir(exist_ok=True)
        text = with_hashes(job.lock, {identity: files[name] for name, identity in built.items()})
        unfinished = copy.with_suffix(".new")
        unfinished.write_text(text, "utf-8")
        unfinished.replace(copy)
    key = job.wanted
    return Part(
        name=key.name,
        python_version=key.python_version,
        system=sys.platform,
        machine=os.uname().machine,
        lock_sha256=key.lock_sha256,
        additions=key.additions,
        lock=str(lock),
        lock_copy_sha256=sha256_of(copy),
        files=files,
        built=tuple(built),
    )


def put(source: Path, target: Path) -> None:
    """Move a file to its place, at once or not at all; the place may be on another disk."""
    unfinished = target.with_name(f".{target.name}.new")
    shutil.copyfile(source, unfinished)
    unfinished.replace(target)
    source.unlink()


def _failed(job: Job, shop: Shop, outcome: Outcome) -> SandboxError:
    what = f"{job.wanted.name} for Python {job.wanted.python_version}"
    said = f"pip or uv said:\n{outcome.tail}"
    again = f"sandbox bundle '{shop.bundle.folder}'"
    if outcome.disk_full:
        return disk_full(shop.folder, outcome.tail)
    if any("DO NOT MATCH THE HASHES" in line or "Hash mismatch" in line for line in outcome.lines):
        return SandboxError(
            f"a package of {what} is not the one of the lock",
            why=said,
            next_command=f"{again}    (if it stays so, the index serves other files than the lock's)",
        )
    if outcome.network_gone:
        return PrerequisiteMissing(
            f"the wheels of {what} could not be fetched",
            why=said,
            next_command=f"{again}    (with the network back; what is whole is kept)",
        )
    return SandboxError(f"the wheels of {what} could not be made", why=said, next_command=again)


def os_failed(folder: Path, error: OSError) -> SandboxError:
    """The error for what the file system refused."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(Path(error.filename).parent if error.filename else folder, str(error))
    return PrerequisiteMissing(
        f"the bundle {folder} cannot be written", why=str(error), next_command=f"ls -ld '{folder}'"
    )


def disk_full(folder: Path, why: str) -> PrerequisiteMissing:
    """The error for a full disk."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free // 2**20
    return PrerequisiteMissing(
        f"the disk is full: {free} MiB are left in {existing}; what of the bundle is whole is kept",
        why=why,
        next_command=f"df -h '{existing}'",
    )
