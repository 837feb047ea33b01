"""`make setup`: the tool's own environment in .venv/, from its lock; runs on any Python ≥ 3.11 with nothing installed.

Fast when nothing changed: a marker in .venv/ names the lock it was made from. It says `installing` while that is going
on, so that an environment whose making was killed is made again instead of used.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.errors import INTERRUPTED_EXIT_CODE, ConfigurationError, PrerequisiteMissing, SandboxError
from sandbox.runtimes.bundle import Bundle, Wanted, chosen_bundle
from sandbox.runtimes.registry import LOCKS, TOOL_LOCKS
from sandbox.runtimes.store import lock_sha256
from sandbox.runtimes.uv import parse_pip_settings, uv_environment, without_credentials

MARKER = ".sandbox-setup.json"
LAYOUT = 1

Run = Callable[[Sequence[str], Path, dict[str, str]], "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A checkout and which of the tool's locks it is to have."""

    project: Path
    group: str

    @property
    def venv(self) -> Path:
        return self.project / ".venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def lock(self) -> Path:
        return LOCKS / f"{self.group}.txt"

    @property
    def key(self) -> str:
        """What decides the environment's contents: the lock, the package's own metadata, and where it lies."""
        parts = [str(LAYOUT), str(self.project), self.lock.read_text("utf-8"), self._metadata()]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def _metadata(self) -> str:
        text = (self.project / "pyproject.toml").read_text("utf-8")
        return text.split("\n[dependency-groups]", 1)[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: `python -m sandbox.runtimes.tool_env [tool|dev]`, run from the checkout."""
    group = next(iter(sys.argv[1:] if arguments is None else arguments), "tool")
    try:
        if group not in TOOL_LOCKS:
            raise ConfigurationError(f"no such lock: {group}", why=f"there are: {', '.join(TOOL_LOCKS)}")
        set_up(Setup(project=Path.cwd(), group=group))
    except SandboxError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED_EXIT_CODE
    return 0


def set_up(setup: Setup, *, run: Run | None = None) -> bool:
    """Make .venv what the lock says; False when it was so already."""
    if is_ready(setup):
        return False
    run = run or _run
    with _held(setup.project / "pyproject.toml"):
        if is_ready(setup):
            return False
        begun = time.monotonic()
        setup = keep_group(setup)
        # before anything is touched: a bundle that lacks something must not cost the .venv that works
        bundle = chosen_bundle()
        lock = bundle.lock_file(_wanted(setup)) if bundle else setup.lock
        if not _reusable(setup):
            _make_venv(setup, run)
        _write_marker(setup, "installing")
        _install(setup, lock, bundle, run)
        _write_marker(setup, "ready")
    seconds = time.monotonic() - begun
    print(f" ✓ {f'tool environment ({setup.group})':<34} {seconds:>6.1f} s   .venv", file=sys.stderr)
    return True


def is_ready(setup: Setup) -> bool:
    """Whether .venv is whole and current; the environment of `make test` serves for everything."""
    marker = read_marker(setup)
    usable = marker.get("state") == "ready" and setup.python.exists() and (setup.venv / "bin" / "sandbox").exists()
    groups = {setup.group, "dev"}
    return usable and any(
        marker.get("group") == group and marker.get("key") == Setup(project=setup.project, group=group).key
        for group in groups
    )


def keep_group(setup: Setup) -> Setup:
    """The same set-up, but never from the test environment back to the small one."""
    return Setup(project=setup.project, group="dev") if read_marker(setup).get("group") == "dev" else setup


def read_marker(setup: Setup) -> dict[str, Any]:
    """What .venv says of itself; empty when it says nothing."""
    try:
        marker = json.loads((setup.venv / MARKER).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return marker if isinstance(marker, dict) else {}


def _write_marker(setup: Setup, state: str) -> None:
    values = {"state": state, "group": setup.group, "key": setup.key, "project": str(setup.project)}
    unfinished = setup.venv / f"{MARKER}.new"
    unfinished.write_text(json.dumps(values, indent=2) + "\n", "utf-8")
    unfinished.replace(setup.venv / MARKER)


def _reusable(setup: Setup) -> bool:
    """Whether the lock can be installed over the .venv that is there (its scripts name the folder it was made in)."""
    marker = read_marker(setup)
    return marker.get("state") == "ready" and marker.get("project") == str(setup.project) and setup.python.exists()


def _make_venv(setup: Setup, run: Run) -> None:
    if setup.venv.is_symlink() or (setup.venv.exists() and not (setup.venv / "pyvenv.cfg").is_file()):
        unmarked = not (setup.venv / MARKER).is_file() and any(setup.venv.iterdir())
        if setup.venv.is_symlink() or unmarked:
            raise ConfigurationError(
                f"{setup.venv} is in the way", why="it is not a virtual environment", next_command="mv .venv .venv.old"
            )
    if setup.venv.exists():
        shutil.rmtree(setup.venv)
    setup.venv.mkdir()
    _write_marker(setup, "installing")
    made = run([sys.executable, "-m", "venv", str(setup.venv)], setup.project, dict(os.environ))
    if made.returncode != 0:
        # Debian and Ubuntu split ensurepip off; their pip can fetch uv as well
        bare = run([sys.executable, "-m", "venv", "--without-pip", str(setup.venv)], setup.project, dict(os.environ))
        if bare.returncode != 0 or not _has_pip(Path(sys.executable), setup, run):
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            raise PrerequisiteMissing(
                f"{sys.executable} cannot make a virtual environment with pip",
                why=_tail(made),
                next_command=f"sudo apt install python{version}-venv   (or: make setup PYTHON=/path/to/python3)",
            )


def _wanted(setup: Setup) -> Wanted:
    """What it asks of a bundle: its lock for the Python of the .venv that stays, or of the one that is to be made."""
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    if _reusable(setup):
        configured = (setup.venv / "pyvenv.cfg").read_text("utf-8")
        if found := re.search(r"(?m)^version(?:_info)? *= *(\d+\.\d+)", configured):
            minor = found[1]
    return Wanted(name=setup.group, lock_sha256=lock_sha256(setup.lock), python_version=minor)


def _install(setup: Setup, lock: Path, bundle: Bundle | None, run: Run) -> None:
    uv = _fetch_uv(setup, lock.read_text("utf-8"), bundle.pip_options if bundle else (), run)
    only_from = bundle.uv_options if bundle else ()
    environment = uv_environment(os.environ, _pip_settings(setup, run))
    common = ["--quiet", "--python", str(setup.python)]
    with tempfile.TemporaryDirectory() as folder:
        # what installs must not replace itself: uv copies its own file over the one that runs
        copy = str(shutil.copy2(uv, Path(folder) / "uv"))
        _check(
            run([copy, "pip", "sync", "--require-hashes", *only_from, *common, str(lock)], setup.project, environment),
            f"the packages of {setup.lock.name} could not be installed",
        )
        _check(
            run(
                [copy, "pip", "install", "--no-deps", "--no-build-isolation", *only_from, *common, "--editable", "."],
                setup.project,
                environment,
            ),
            "the checkout could not be installed into .venv",
        )


def _fetch_uv(setup: Setup, lock_text: str, only_from: Sequence[str], run: Run) -> Path:
    """uv at the lock's version: pip installs this one package, checked by its hash; uv installs the others."""
    block = re.search(r"(?m)^uv==[^\n]*(?:\n[ \t]+[^\n]*)*", lock_text)
    if block is None:
        raise ConfigurationError(f"{setup.lock.name} does not lock uv", next_command="nox -s lock")
    uv = setup.venv / "bin" / "uv"
    wanted = block[0].split()[0].removeprefix("uv==")
    if uv.exists():
        answer = run([str(uv), "--version"], setup.project, dict(os.environ))
        if answer.returncode == 0 and answer.stdout.split()[1:2] == [wanted]:
            return uv
    with tempfile.TemporaryDirectory() as folder:
        requirement = Path(folder) / "uv.txt"
        requirement.write_text(block[0] + "\n", "utf-8")
        arguments = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps"]
        arguments += only_from
        if _has_pip(setup.python, setup, run):
            command = [str(setup.python), *arguments, "--requirement", str(requirement)]
        else:
            target = setup.venv / "bootstrap"
            command = [sys.executable, *arguments, "--target", str(target), "--requirement", str(requirement)]
            uv = target / "bin" / "uv"
        _check(run(command, setup.project, dict(os.environ)), "uv could not be installed")
    return uv


def _has_pip(python: Path, setup: Setup, run: Run) -> bool:
    return run([str(python), "-m", "pip", "--version"], setup.project, dict(os.environ)).returncode == 0


def _pip_settings(setup: Setup, run: Run) -> dict[str, str]:
    for python in (setup.python, Path(sys.executable)):
        answer = run([str(python), "-m", "pip", "config", "list"], setup.project, dict(os.environ))
        if answer.returncode == 0:
            return parse_pip_settings(answer.stdout)
    return {}


def _check(answer: subprocess.CompletedProcess[str], what: str) -> None:
    if answer.returncode != 0:
        raise PrerequisiteMissing(
            what, why=_tail(answer), next_command="make setup   (again; with the network and disk space it needs)"
        )


def _tail(answer: subprocess.CompletedProcess[str]) -> str:
    lines = without_credentials(f"{answer.stdout}\n{answer.stderr}").splitlines()
    return "\n".join([line for line in lines if line.strip()][-12:])


def _run(command: Sequence[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold a lock on a file that is there anyway: a second `make setup` waits for the first."""
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    raise SystemExit(main())
