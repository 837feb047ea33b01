"""What is checked before anything is built: an interpreter for every runtime, and the room on the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.errors import PrerequisiteMissing
from sandbox.progress import Progress
from sandbox.runtimes.pythons import Found, find_pythons, managed_pythons
from sandbox.runtimes.registry import RUNTIMES
from sandbox.runtimes.store import RuntimeRequest, make_cache

if TYPE_CHECKING:
    from sandbox.runtimes.tools import Tools

RESERVE_MIB = 200
"""Room left for what uv unpacks and for everybody else."""


Accepted = Mapping[RuntimeRequest, Sequence[str]]
"""The Python minor versions that will do for each runtime, the preferred one first."""


class _DownloadFailed(Exception):
    """uv could not fetch a Python; carries its last lines."""


def make_folder(folder: Path) -> Path:
    """Create the cache's folder of runtimes, or say who may not."""
    try:
        make_cache(folder.parent)
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise PrerequisiteMissing(
            f"the cache folder {folder} cannot be made",
            why=str(error),
            next_command='SANDBOX_CACHE_DIR="$HOME/.cache/data-platform-sandbox" sandbox runtimes build',
        ) from error
    return folder


def choose_pythons(
    accepted: Accepted, *, tools: Tools, folder: Path, offline: bool, progress: Progress
) -> dict[RuntimeRequest, tuple[str, Path]]:
    """An interpreter for each runtime; uv downloads one where the machine has none, unless `offline`."""
    found = _search(accepted, tools, folder)
    downloads: list[str] = []
    lacking = {request: minors for request, minors in accepted.items() if found.first(minors) is None}
    if lacking and not offline:
        for minor in sorted({minors[0] for minors in lacking.values()}):
            try:
                _download(minor, tools, folder, progress)
            except _DownloadFailed as failure:
                downloads.append(f"downloading Python {minor} failed:\n{failure}")
        found = _search(accepted, tools, folder)
        lacking = {request: minors for request, minors in accepted.items() if found.first(minors) is None}
    if lacking:
        raise _no_python(lacking, found, downloads, tools, folder)
    return {request: chosen for request, minors in accepted.items() if (chosen := found.first(minors))}


def check_disk(requests: Sequence[RuntimeRequest], *, folder: Path, tools: Tools) -> None:
    """Refuse to begin what cannot end."""
    needed = sum(request.spec.size_mib for request in requests) + RESERVE_MIB
    free = tools.free_bytes(folder) // 2**20
    if free < needed:
        parts = "\n".join(f"{request.name:<26}{request.spec.size_mib:>6} MiB" for request in requests)
        raise PrerequisiteMissing(
            f"not enough disk space to build {len(requests)} runtime{'s' * (len(requests) > 1)}: "
            f"{needed} MiB needed, {free} MiB free in {folder}",
            why=f"{parts}\n{'reserve':<26}{RESERVE_MIB:>6} MiB",
            next_command="sandbox runtimes prune   (or set SANDBOX_CACHE_DIR to a folder on another disk)",
        )


def _download(minor: str, tools: Tools, folder: Path, progress: Progress) -> None:
    with progress.step(f"Python {minor}") as step:
        step.update("downloading, for this machine has none")
        outcome = tools.uv(["python", "install", "--no-bin", minor], folder=folder, on_line=step.update)
        step.done("downloaded by uv" if outcome.returncode == 0 else "not on this machine, and not to be downloaded")
        if outcome.returncode != 0:
            raise _DownloadFailed(outcome.tail)


def _search(accepted: Accepted, tools: Tools, folder: Path) -> Found:
    minors = {minor for each in accepted.values() for minor in each}
    if tools.find_pythons is not None:
        return tools.find_pythons(minors)
    first = find_pythons(minors, enough={each[0] for each in accepted.values()})
    if all(first.first(each) for each in accepted.values()):
        return first
    return find_pythons(minors, managed=managed_pythons(tools.uv, folder))


def _no_python(
    lacking: Accepted, found: Found, downloads: Sequence[str], tools: Tools, folder: Path
) -> PrerequisiteMissing:
    whole = Found(by_minor=found.by_minor, looked_at=found.looked_at)
    others = {minor for spec in RUNTIMES.values() if spec.is_airflow for minor in spec.pythons}
    if tools.find_pythons is None:
        whole = find_pythons(others, managed=managed_pythons(tools.uv, folder))
    rows = [spec for spec in RUNTIMES.values() if spec.is_row and whole.first(spec.pythons)]
    lines = [f"{request.name} runs on Python {' or '.join(minors)}" for request, minors in lacking.items()]
    lines += ["looked at:", *(f"  {place}" for place in found.looked_at), *downloads]
    next_command = (
        f".venv/bin/uv python install {next(iter(lacking.values()))[0]}   (or your system's package manager, or pyenv)"
    )
    if any(request.spec.is_airflow for request in lacking) and rows:
        lines.append(f"Airflow rows that this machine can run: {', '.join(spec.name for spec in rows)}")
        version, python = rows[0].name.removeprefix("airflow-").split("-py")
        next_command += f"\n  or: SANDBOX_AIRFLOW_VERSION={version} SANDBOX_AIRFLOW_PYTHON={python} sandbox up"
    names = ", ".join(request.name for request in lacking)
    return PrerequisiteMissing(
        f"no Python for {names} on this machine", why="\n".join(lines), next_command=next_command
    )
