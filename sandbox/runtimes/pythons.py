"""Which Python interpreters this machine has: asked one by one, because a name on PATH proves nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.runtimes.uv import RunUv

PROBE_SECONDS = 20.0
# `_base_executable` is the interpreter behind a venv; a venv of a venv would break with the first one.
_PROBE = (
    "import json, platform, sys, sysconfig;"
    "print(json.dumps([platform.python_version(), getattr(sys, '_base_executable', None) or sys.executable,"
    " sys.implementation.name, bool(sysconfig.get_config_var('Py_GIL_DISABLED')), platform.machine()]))"
)


@dataclass(frozen=True, kw_only=True)
class Found:
    """The usable interpreters by minor version, and what was looked at, for the message when one is missing."""

    by_minor: Mapping[str, Path]
    looked_at: tuple[str, ...]

    def first(self, minors: Iterable[str]) -> tuple[str, Path] | None:
        """The first of `minors` that there is, with its interpreter."""
        return next(((minor, self.by_minor[minor]) for minor in minors if minor in self.by_minor), None)


def find_pythons(
    minors: Iterable[str],
    *,
    enough: Iterable[str] | None = None,
    environment: Mapping[str, str] = os.environ,
    home: Path | None = None,
    managed: Iterable[Path] = (),
) -> Found:
    """Look for CPython of each of `minors`: this tool's own, PATH, pyenv's versions, then `managed` (uv's).

    The search ends when all of `enough` (by default all of `minors`) are found.
    """
    wanted = sorted(set(minors))
    last = set(wanted if enough is None else enough)
    by_minor: dict[str, Path] = {}
    looked_at: list[str] = []
    for source, candidates in _sources(wanted, environment, home or Path.home(), managed):
        seen: dict[str, None] = {}
        for candidate in candidates:
            if last <= by_minor.keys():
                return Found(by_minor=by_minor, looked_at=tuple(looked_at))
            answer = _probe(candidate)
            if answer is None:
                continue
            version, interpreter = answer
            seen[version] = None
            minor = ".".join(version.split(".")[:2])
            if minor in wanted:
                by_minor.setdefault(minor, interpreter)
        looked_at.append(f"{source}: {', '.join(seen) or 'none'}")
    return Found(by_minor=by_minor, looked_at=tuple(looked_at))


def managed_pythons(uv: RunUv, folder: Path) -> list[Path]:
    """The interpreters that uv has installed itself."""
    outcome = uv(
        ["python", "list", "--only-installed", "--managed-python", "--output-format", "json", "--quiet"], folder=folder
    )
    if outcome.returncode != 0:
        return []
    try:
        entries = json.loads("\n".join(outcome.lines) or "[]")
    except ValueError:
        return []
    return [Path(entry["path"]) for entry in entries if entry.get("path")]


def _sources(
    minors: list[str], environment: Mapping[str, str], home: Path, managed: Iterable[Path]
) -> Iterator[tuple[str, list[Path]]]:
    own = Path(getattr(sys, "_base_executable", None) or sys.executable)
    yield "this tool's own Python", [own]
    folders = [Path(folder) for folder in environment.get("PATH", "").split(os.pathsep) if folder]
    names = [*(f"python{minor}" for minor in minors), "python3", "python"]
    yield f"{', '.join(names)} on PATH", [path for name in names for folder in folders if _runs(path := folder / name)]
    versions = Path(environment.get("PYENV_ROOT") or home / ".pyenv") / "versions"
    yield str(versions), sorted((path for path in versions.glob("3.*/bin/python") if _runs(path)), reverse=True)
    yield "Pythons installed by uv", list(managed)


def _runs(path: Path) -> bool:
    # os.path.isfile answers False for a folder on PATH that this user may not enter; Path.is_file raises
    return os.path.isfile(path) and os.access(path, os.X_OK)  # noqa: PTH113


def _probe(path: Path) -> tuple[str, Path] | None:
    """The version of a usable CPython at `path` and the interpreter to build from, or None (a dead shim, PyPy, …)."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    try:
        answer = subprocess.run(
            [path, "-I", "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
        version, interpreter, implementation, free_threaded, machine = json.loads(answer.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    if implementation != "cpython" or free_threaded or machine != os.uname().machine:
        return None
    return version, Path(interpreter)
