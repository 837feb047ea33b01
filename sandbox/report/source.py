"""What was tested: the revision, and the digests of the artefacts, the locks and the chart."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sandbox.report.integrity import IGNORED, of_file, of_tree
from sandbox.report.model import Source
from sandbox.runtimes.registry import LOCKS

GIT_SECONDS = 30.0
MOST_CHANGES = 50


def look(project: Path, tested: Iterable[Path] = ()) -> Source:
    """The project's revision and what differs from it; without Git, or outside a repository, there is none.

    `tested` are the files and folders that take part in the tests: in those, what Git ignores and what lies outside of
    the project counts as a change, since no commit holds it.
    """
    if shutil.which("git") is None:
        return Source()
    revision = _git(project, "rev-parse", "HEAD")
    if revision is None:
        return Source()
    inside = [path for path in tested if path.exists() and path.resolve().is_relative_to(project.resolve())]
    try:
        changes = (*_changed(project), *_hidden(project), *_ignored(project, inside), *_elsewhere(project, inside))
    except subprocess.CalledProcessError as error:
        # what Git cannot compare is not known to be clean
        changes = (f"git {error.cmd} failed: {str(error.stderr).strip()}",)
    return Source(
        revision=revision.strip(),
        branch=(_git(project, "rev-parse", "--abbrev-ref", "HEAD") or "").strip(),
        clean=not changes,
        changes=changes[:MOST_CHANGES],
    )


def _changed(project: Path) -> list[str]:
    """What differs from the commit, by `git status`."""
    lines = _asked(project, "status", "--porcelain", "--untracked-files=all", "--", ".").splitlines()
    return [line[3:] for line in lines if not _is_byproduct(line)]


def _hidden(project: Path) -> list[str]:
    """Files that `git update-index --skip-worktree` or `--assume-unchanged` keeps `git status` from looking at."""
    lines = _asked(project, "ls-files", "-v", "--", ".").splitlines()
    # a sparse checkout marks what it leaves out, too
    return [
        f"{line[2:]} (hidden from git status)"
        for line in lines
        if (line[0] == "S" or line[0].islower()) and (project / line[2:]).exists()
    ]


def _ignored(project: Path, tested: Sequence[Path]) -> list[str]:
    """Files that take part in the tests and that Git ignores; what tools keep in hidden folders is not among them."""
    if not tested:
        return []
    arguments = ("ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--", *map(str, tested))
    names = _asked(project, *arguments).split("\0")
    return [f"{name} (ignored by Git)" for name in names if name and not _is_kept_by_tools(Path(name))]


def _is_kept_by_tools(path: Path) -> bool:
    return bool({*path.parts} & {*IGNORED}) or any(part.startswith(".") for part in path.parts)


def _elsewhere(project: Path, tested: Sequence[Path]) -> list[str]:
    """Links in what is tested to places outside of the project."""
    links = (link for path in tested for link in (path, *path.rglob("*")) if link.is_symlink())
    root = project.resolve()
    return [
        f"{link.relative_to(project)} (points outside of the project)"
        for link in links
        if not link.resolve().is_relative_to(root)
    ]


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


def _asked(project: Path, *arguments: str) -> str:
    """What Git answers; raises CalledProcessError, with the command's name, when it cannot."""
    done = subprocess.run(
        ["git", "-C", str(project), *arguments], capture_output=True, text=True, timeout=GIT_SECONDS, check=False
    )
    if done.returncode != 0:
        raise subprocess.CalledProcessError(done.returncode, arguments[0], stderr=done.stderr)
    return done.stdout


def _git(project: Path, *arguments: str) -> str | None:
    try:
        return _asked(project, *arguments)
    except subprocess.CalledProcessError:
        return None


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
