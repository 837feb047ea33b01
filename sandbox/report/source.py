"""What was tested: the revision, and the digests of the artefacts, the locks and the chart."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from sandbox.report.integrity import IGNORED, of_file, of_tree
from sandbox.report.model import Source
from sandbox.runtimes.registry import LOCKS

GIT_SECONDS = 30.0
MOST_CHANGES = 50


def look(project: Path) -> Source:
    """The project's revision and what differs from it; without Git, or outside a repository, there is none."""
    if shutil.which("git") is None:
        return Source()
    revision = _git(project, "rev-parse", "HEAD")
    if revision is None:
        return Source()
    changed = _git(project, "status", "--porcelain", "--untracked-files=all", "--", ".") or ""
    changes = tuple(line[3:] for line in changed.splitlines() if not _is_byproduct(line))
    return Source(
        revision=revision.strip(),
        branch=(_git(project, "rev-parse", "--abbrev-ref", "HEAD") or "").strip(),
        clean=not changes,
        changes=changes[:MOST_CHANGES],
    )


def _is_byproduct(line: str) -> bool:
    """Whether a line of `git status` is about a file that no digest counts: byte code, which every import leaves."""
    return line.startswith("??") and bool({*Path(line[3:].strip('"')).parts} & {*IGNORED})


def both(before: Source, after: Source) -> Source:
    """The source of a run that had one of these at its begin, the other at its end: clean only if nothing moved."""
    if before == after:
        return before
    moved = () if before.revision == after.revision else (f"HEAD moved from {before.revision} to {after.revision}",)
    changes = tuple(dict.fromkeys((*moved, *before.changes, *after.changes)))
    return before.model_copy(update={"clean": False, "changes": changes[:MOST_CHANGES]})


def _git(project: Path, *arguments: str) -> str | None:
    done = subprocess.run(
        ["git", "-C", str(project), *arguments], capture_output=True, text=True, timeout=GIT_SECONDS, check=False
    )
    return done.stdout if done.returncode == 0 else None


def digests(artefacts: Mapping[str, Path]) -> dict[str, str]:
    """The digest of each artefact that is there, files and folders, and of each committed lock (`lock:NAME`)."""
    found = {}
    for name, path in artefacts.items():
        if path.is_dir():
            found[name] = of_tree(path)
        elif path.is_file():
            found[name] = of_file(path)
    found |= {f"lock:{file.stem}": of_file(file) for file in sorted(LOCKS.glob("*.txt"))}
    return found | {f"lock:{file.name}": of_file(file) for file in sorted(LOCKS.glob("*.jars"))}
