"""Write the locks of a project's own runtimes: `sandbox runtimes lock`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sandbox.errors import ConfigurationError
from sandbox.progress import Progress
from sandbox.runtimes.locks import changes, derive_lock, lock_problems, pins
from sandbox.runtimes.preflight import choose_pythons, make_folder
from sandbox.runtimes.project_locks import HEADER, lock_file
from sandbox.runtimes.store import RuntimeRequest, cache_folder
from sandbox.runtimes.tools import Tools

SHOWN = 5
"""How many changed packages are named."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """One lock: its file, what of it changed as (package, version before, version after)."""

    file: Path
    state: Literal["new", "kept", "removed"]
    additions: tuple[str, ...] = ()
    changes: tuple[tuple[str, str | None, str | None], ...] = ()

    @property
    def words(self) -> str:
        """What happened to it."""
        if self.state != "kept":
            return self.state
        moved = [f"{name} {old or 'none'} → {new or 'none'}" for name, old, new in self.changes]
        more = f" and {len(moved) - SHOWN} more" if len(moved) > SHOWN else ""
        return ", ".join(moved[:SHOWN]) + more if moved else "unchanged"


def write(
    requests: Sequence[RuntimeRequest],
    folder: Path,
    *,
    upgrade: bool,
    progress: Progress,
    tools: Tools | None = None,
    cache_dir: Path | None = None,
) -> list[Written]:
    """Resolve the locks of those requests that have additions into `folder`, and remove those of no request.

    Versions stay where they fit, unless `upgrade`. Raises ConfigurationError when no versions fit together, and
    PrerequisiteMissing without the network or a Python.
    """
    tools = tools or Tools()
    wanted = [dataclasses.replace(request, lock=None) for request in requests if request.is_derived]
    found: list[Written] = []
    work = make_folder(cache_folder(cache_dir) / "derived-locks")
    pythons = choose_pythons(
        {request: request.spec.pythons for request in wanted},
        tools=tools,
        folder=work,
        offline=False,
        progress=progress,
    )
    for request in sorted(dict.fromkeys(wanted), key=lambda request: lock_file(request, folder).name):
        target = lock_file(request, folder)
        with progress.step(f"lock {target.stem}") as step:
            found.append(_write_one(request, pythons[request][1], target, work, upgrade, tools))
            step.done(found[-1].words)
    kept = {each.file for each in found}
    for file in sorted(folder.glob("*.txt")):
        if file not in kept and file.read_text("utf-8").startswith(HEADER):
            file.unlink()
            found.append(Written(file=file, state="removed"))
    return found


def _write_one(request: RuntimeRequest, python: Path, target: Path, work: Path, upgrade: bool, tools: Tools) -> Written:
    before = target.read_text("utf-8") if target.is_file() else ""
    draft = work / target.name
    derive_lock(request, python=python, target=draft, uv=tools.uv, kept="" if upgrade else before)
    text = draft.read_text("utf-8")
    draft.unlink()
    if problems := lock_problems(text):
        raise ConfigurationError(
            f"the lock of {request.name} with {', '.join(request.additions)} is not one",
            why="\n".join(problems),
            next_command="sandbox config   (airflow.extra_requirements: packages by name and version only)",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(f"{HEADER}{request.name} with {', '.join(request.additions)}\n{text}", "utf-8")
    return Written(
        file=target,
        state="kept" if before else "new",
        additions=request.additions,
        changes=tuple(changes(pins(before), pins(text))) if before else (),
    )
