"""Locks: compile them, derive one for a project's additions, and say what is wrong with one."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import ConfigurationError, PrerequisiteMissing
from sandbox.runtimes.registry import RUNTIMES, RuntimeSpec
from sandbox.runtimes.store import RuntimeRequest
from sandbox.runtimes.uv import Outcome, RunUv

COMPILE = ("pip", "compile", "--generate-hashes", "--no-annotate", "--no-header", "--no-emit-index-url", "--universal")
PROVIDER_PREFIX = "apache-airflow-providers-"

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")
_NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


@dataclass(frozen=True, kw_only=True)
class LockJob:
    """A lock and what it is compiled from: files and options for uv, the lowest Python, the last day of publication."""

    name: str
    lock_file: Path
    sources: tuple[str, ...]
    python_version: str
    exclude_newer: str | None = None
    follows: Path | None = None
    """Another lock, whose versions hold here too, but for the Airflow providers': those come in sets."""

    @classmethod
    def of(cls, spec: RuntimeSpec) -> LockJob:
        """The lock of a runtime."""
        return cls(
            name=spec.name,
            lock_file=spec.lock_file,
            sources=(str(spec.requirements_file),),
            python_version=spec.lowest_python,
            exclude_newer=spec.exclude_newer,
            follows=RUNTIMES[spec.variant_of].lock_file if spec.variant_of else None,
        )


@dataclass(frozen=True, kw_only=True)
class LockChange:
    """What refreshing one lock changed: package → (version before, version after); None where there was none."""

    name: str
    changes: tuple[tuple[str, str | None, str | None], ...]


def canonical(name: str) -> str:
    """A distribution's name in the one spelling that compares equal."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str) -> dict[str, set[str]]:
    """The versions that a lock gives each package (more than one where markers choose)."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if match := _PIN.match(line):
            found.setdefault(canonical(match[1]), set()).add(match[2])
    return found


def lock_problems(text: str) -> list[str]:
    """What keeps a text from being a lock of ours: hosts, packages without a version or a hash, options."""
    if not text.strip():
        return ["is empty"]
    problems: list[str] = []
    for block in re.split(r"\n(?=\S)", text.strip()):
        first = block.split("\n", 1)[0].rstrip("\\ ")
        if block.startswith("#"):
            continue
        if "://" in block or " @ " in block:
            problems.append(f"names a host or a file: {first}")
        elif block.startswith("-"):
            problems.append(f"holds an option: {first}")
        elif not _PIN.match(block):
            problems.append(f"not pinned: {first}")
        elif "--hash=sha256:" not in block:
            problems.append(f"no hash: {first}")
    return problems


def compile_lock(job: LockJob, *, uv: RunUv, upgrade: bool = False) -> LockChange:
    """Compile a lock anew; without `upgrade` the versions in it stay wherever they still fit.

    The versions of a lock that it follows hold; where they cannot, they stay wherever they fit.
    """
    before = job.lock_file.read_text("utf-8") if job.lock_file.is_file() else ""
    new = job.lock_file.with_suffix(".txt.new")
    arguments = [*COMPILE, "--quiet", "--python-version", job.python_version, *job.sources]
    if job.exclude_newer:
        arguments += ["--exclude-newer", job.exclude_newer]
    constraints = job.lock_file.with_suffix(".constraints")
    followed = job.follows.read_text("utf-8") if job.follows else ""
    try:
        kept = before if before and not upgrade else followed
        if kept:
            new.write_text(kept, "utf-8")  # uv keeps the versions of the file that it is to write
        constraints.write_text("\n".join(_held(followed)) + "\n", "utf-8")
        arguments += ["--output-file", str(new)]
        outcome = uv([*arguments, "--constraints", str(constraints)], folder=job.lock_file.parent)
        if outcome.returncode != 0 and followed:
            outcome = uv(arguments, folder=job.lock_file.parent)
        if outcome.returncode != 0:
            raise PrerequisiteMissing(f"the lock {job.name} cannot be compiled", why=outcome.tail)
        after = new.read_text("utf-8")
        if problems := lock_problems(after):
            raise ConfigurationError(f"the new lock {job.name} is not one", why="\n".join(problems))
        new.replace(job.lock_file)
    finally:
        new.unlink(missing_ok=True)
        constraints.unlink(missing_ok=True)
    return LockChange(name=job.name, changes=tuple(changes(pins(before), pins(after))))


def _held(followed: str) -> list[str]:
    """The pins of a lock that hold in one that follows it."""
    return [
        f"{name}=={next(iter(versions))}"
        for name, versions in sorted(pins(followed).items())
        if len(versions) == 1 and not name.startswith(PROVIDER_PREFIX)
    ]


def derive_lock(
    request: RuntimeRequest,
    *,
    python: Path,
    target: Path,
    uv: RunUv,
    cancelled: threading.Event | None = None,
    keep_open: tuple[int, ...] = (),
    offline: bool = False,
    kept: str = "",
) -> None:
    """Write the lock of the row plus the project's additions to `target`, for this platform.

    The row's versions hold; where the project chose a provider's version, all providers may move: they come in sets.
    When that is not enough for the provider, what it depends on moves too, and nothing else. The versions of `kept`, a
    lock of before, stay wherever they fit.
    """
    folder = target.parent
    folder.mkdir(parents=True, exist_ok=True)
    requirements, constraints = folder / f"{target.stem}.in", folder / f"{target.stem}.constraints"
    new = folder / f"{target.stem}.new"
    committed = request.spec.lock_file.read_text("utf-8")
    requirements.write_text("\n".join(derived_requirements(request)) + "\n", "utf-8")
    arguments = [*(option for option in COMPILE if option != "--universal"), "--quiet", "--python", str(python)]
    arguments += ["--constraints", str(constraints), "--output-file", str(new), str(requirements)]
    if offline:
        arguments.append("--offline")
    attempts = [derived_constraints(request, committed), *([[]] if request.provider_versions else [])]
    failures: list[Outcome] = []
    try:
        for attempt in attempts:
            constraints.write_text("\n".join(attempt) + "\n", "utf-8")
            new.write_text(
                kept or committed, "utf-8"
            )  # uv keeps the versions of the file that it is to write where they fit
            outcome = uv(arguments, folder=folder, cancelled=cancelled, keep_open=keep_open)
            if outcome.returncode == 0:
                new.replace(target)
                return
            failures.append(outcome)
        raise _not_derivable(request, failures[-1].tail, network=failures[-1].network_gone)
    finally:
        for leftover in (requirements, constraints, new):
            leftover.unlink(missing_ok=True)


def derived_requirements(request: RuntimeRequest) -> list[str]:
    """The row's requirements with the project's provider versions in place of its own, and the project's packages."""
    versions = {PROVIDER_PREFIX + canonical(name): version for name, version in request.provider_versions}
    own = [line.strip() for line in request.spec.requirements_file.read_text("utf-8").splitlines()]
    kept = [line for line in own if line and not line.startswith("#") and _name_of(line) not in versions]
    return [*kept, *(f"{name}=={version}" for name, version in sorted(versions.items())), *request.extra_requirements]


def derived_constraints(request: RuntimeRequest, committed: str) -> list[str]:
    """The row's versions, which the project's additions must live with."""
    free = {_name_of(requirement) for requirement in request.extra_requirements}
    return [
        f"{name}=={next(iter(versions))}"
        for name, versions in sorted(pins(committed).items())
        if len(versions) == 1
        and name not in free
        and not (request.provider_versions and name.startswith(PROVIDER_PREFIX))
    ]


def _name_of(requirement: str) -> str:
    match = _NAME.match(requirement)
    return canonical(match[1]) if match else requirement


def _not_derivable(request: RuntimeRequest, tail: str, *, network: bool) -> Exception:
    additions = ", ".join(
        [*request.extra_requirements, *(f"{name} {version}" for name, version in request.provider_versions)]
    )
    what = f"no lock for {request.name} with {additions}"
    if network:
        return PrerequisiteMissing(what, why=tail, next_command="sandbox runtimes build   (with the network back)")
    return ConfigurationError(
        what, why=tail, next_command="sandbox config   (airflow.providers and airflow.extra_requirements)"
    )


def changes(before: dict[str, set[str]], after: dict[str, set[str]]) -> Iterable[tuple[str, str | None, str | None]]:
    """What two locks' pins differ in: package, version before, version after; None where there was none."""
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield name, _shown(before.get(name)), _shown(after.get(name))


def _shown(versions: set[str] | None) -> str | None:
    return ", ".join(sorted(versions)) if versions else None
