"""What the cache holds, and what of it nothing needs any more: `sandbox runtimes list` and `prune`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from sandbox.runtimes.guard import held_if_free
from sandbox.runtimes.registry import RUNTIMES
from sandbox.runtimes.store import (
    BUILDING_PREFIX,
    SENTINEL,
    RuntimeRequest,
    Sentinel,
    folder_of,
    is_current,
    our_folders,
    python_of,
    runtimes_folder,
)
from sandbox.runtimes.sweep import discard, lock_path, remove_leftovers


class State(StrEnum):
    """What can be said of a runtime without running it."""

    BUILT = "built"
    MISSING = "missing"
    BROKEN = "broken"
    """Its interpreter was uninstalled; the next build replaces it."""
    OUTDATED = "outdated"
    """Its lock is not in this checkout; `prune` removes it."""
    BUILDING = "building"
    """Being built, or left by an interrupted build."""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One line of `sandbox runtimes list`."""

    name: str
    purpose: str
    state: State
    python_version: str
    size_bytes: int
    path: Path | None = None
    last_used: datetime | None = None
    extra_requirements: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """One folder that `prune` removed, or would have but for `kept_because`."""

    name: str
    path: Path
    size_bytes: int
    kept_because: str | None = None


def list_runtimes(*, cache_dir: Path | None = None) -> tuple[Listed, ...]:
    """Every registered runtime (the size of a missing one is the estimate), then what else of ours the cache holds."""
    held: dict[str, list[Listed]] = {}
    for folder, sentinel in our_folders(cache_dir):
        held.setdefault(sentinel.name, []).append(_listed(folder, sentinel))
    listed: list[Listed] = []
    for name, spec in RUNTIMES.items():
        own = held.pop(name, [])
        if not any(entry.state is State.BUILT and not entry.extra_requirements for entry in own):
            missing = Listed(
                name=name,
                purpose=spec.purpose,
                state=State.MISSING,
                python_version=" ".join(spec.pythons),
                size_bytes=spec.size_mib * 2**20,
            )
            listed.append(missing)
        listed += own
    return (*listed, *(entry for name in sorted(held) for entry in held[name]))


def prune(*, cache_dir: Path | None = None, dry_run: bool = False) -> tuple[Pruned, ...]:
    """Remove the runtimes that this checkout's registry and locks would not build, and what interrupted builds left.

    Only folders with our sentinel are touched, and none that a running process was started from.
    """
    parent = runtimes_folder(cache_dir)
    if not parent.is_dir():
        return ()
    leftovers = [(folder, sentinel) for folder, sentinel in our_folders(cache_dir) if _is_leftover(folder)]
    removed = [] if dry_run else remove_leftovers(parent)
    pruned = [
        Pruned(
            name=sentinel.name,
            path=folder,
            size_bytes=sentinel.size_bytes,
            kept_because=None if dry_run or folder in removed else "it is being built",
        )
        for folder, sentinel in leftovers
    ]
    for folder, sentinel in our_folders(cache_dir):
        if not _is_leftover(folder) and not is_current(sentinel):
            reason = _remove_unused(parent, folder, dry_run=dry_run)
            pruned.append(Pruned(name=sentinel.name, path=folder, size_bytes=sentinel.size_bytes, kept_because=reason))
    return tuple(pruned)


def _is_leftover(folder: Path) -> bool:
    return folder.name.startswith(BUILDING_PREFIX)


def _listed(folder: Path, sentinel: Sentinel) -> Listed:
    spec = RUNTIMES.get(sentinel.name)
    state = State.BUILT
    if sentinel.state != "built" or _is_leftover(folder):
        state = State.BUILDING
    elif not is_current(sentinel) or not _has_its_name(folder, sentinel):
        state = State.OUTDATED
    elif not python_of(folder).exists():
        state = State.BROKEN
    return Listed(
        name=sentinel.name,
        purpose=spec.purpose if spec else "",
        state=state,
        python_version=sentinel.python_version,
        size_bytes=sentinel.size_bytes,
        path=folder,
        last_used=datetime.fromtimestamp((folder / SENTINEL).stat().st_mtime, UTC),
        extra_requirements=sentinel.extra_requirements,
    )


def _has_its_name(folder: Path, sentinel: Sentinel) -> bool:
    """Whether the folder is where `ensure` would look for it (another platform or layout gives another name)."""
    if sentinel.extra_requirements:
        return folder.name == f"{sentinel.name}-{sentinel.key}"
    return folder.name == folder_of(RuntimeRequest(name=sentinel.name), sentinel.python_version).name


def _remove_unused(parent: Path, folder: Path, *, dry_run: bool) -> str | None:
    """Remove the folder unless it is in use; the reason when it is kept."""
    if process := _user_of(folder):
        return f"process {process} runs from it"
    if dry_run:
        return None
    with held_if_free(lock_path(parent, folder.name)) as free:
        if not free:
            return "it is being built"
        return None if discard(folder) else "it is not ours any more"


def _user_of(folder: Path) -> int | None:
    """The id of a process that was started from the folder."""
    import psutil

    prefix = f"{folder}/"
    for process in psutil.process_iter(["cmdline"]):
        if any(argument.startswith(prefix) for argument in process.info["cmdline"] or ()):
            return int(process.pid)
    return None
