"""`make setup` and `make test`: when .venv is made, made again, or left alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sandbox.errors import ConfigurationError, PrerequisiteMissing
from sandbox.runtimes.bundle import VARIABLE, Bundle, Part, Wanted, sha256_of, write_manifest
from sandbox.runtimes.registry import LOCKS
from sandbox.runtimes.store import lock_sha256
from sandbox.runtimes.tool_env import MARKER, Setup, is_ready, read_marker, set_up


class FakeMachine:
    """Does what python -m venv, pip and uv would to the file system."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.refuses: Callable[[str], bool] = lambda _command: False

    def __call__(
        self, command: Sequence[str], folder: Path, environment: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        said = " ".join(command)
        self.commands.append(said)
        if self.refuses(said):
            return subprocess.CompletedProcess(command, 1, "", "no way: https://user:secret@host/")
        if "-m venv" in said:
            bin_folder = Path(command[-1]) / "bin"
            bin_folder.mkdir(parents=True, exist_ok=True)
            (bin_folder.parent / "pyvenv.cfg").touch()
            (bin_folder / "python").touch()
        if "pip install --quiet" in said and "--require-hashes" in said:
            target = Path(command[command.index("--target") + 1]) if "--target" in command else folder / ".venv"
            (target / "bin").mkdir(parents=True, exist_ok=True)
            (target / "bin" / "uv").touch()
        if "--editable" in said:
            (folder / ".venv" / "bin" / "sandbox").touch()
        return subprocess.CompletedProcess(command, 0, "", "")

    def count(self, part: str) -> int:
        return sum(part in command for command in self.commands)


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    """A checkout in a folder with a space."""
    project = tmp_path / "my project"
    project.mkdir()
    (project / "pyproject.toml").write_text("[project]\nname = 'x'\n\n[dependency-groups]\n")
    return Setup(project=project, group="tool")


@pytest.fixture
def machine() -> FakeMachine:
    return FakeMachine()


def test_made_once(setup: Setup, machine: FakeMachine) -> None:
    """The second set-up does nothing."""
    assert set_up(setup, run=machine)
    assert not set_up(setup, run=machine)

    assert machine.count("-m venv") == 1
    assert machine.count("pip sync --require-hashes") == 1


def test_lock_change_installs_again(setup: Setup, machine: FakeMachine) -> None:
    """A change of the package's metadata installs over the venv that is there; other sections don't matter."""
    set_up(setup, run=machine)
    pyproject = setup.project / "pyproject.toml"
    pyproject.write_text(pyproject.read_text() + "[tool.x]\n")
    assert is_ready(setup)
    pyproject.write_text(pyproject.read_text().replace("'x'", "'y'"))

    assert set_up(setup, run=machine)

    assert machine.count("-m venv") == 1
    assert machine.count("pip sync --require-hashes") == 2


def test_killed_set_up_is_made_again(setup: Setup, machine: FakeMachine) -> None:
    """What was interrupted is not used: the next set-up begins with a new venv."""
    set_up(setup, run=machine)
    marker = read_marker(setup)
    (setup.venv / MARKER).write_text(json.dumps(marker | {"state": "installing"}))
    assert not is_ready(setup)

    set_up(setup, run=machine)

    assert machine.count("-m venv") == 2
    assert is_ready(setup)


def test_failure_is_not_ready(setup: Setup, machine: FakeMachine) -> None:
    """A failed installation says why, without credentials, and leaves nothing that passes for ready."""
    machine.refuses = lambda command: "pip sync" in command

    with pytest.raises(PrerequisiteMissing, match=r"tool\.txt could not be installed") as caught:
        set_up(setup, run=machine)

    assert "https://host/" in caught.value.why
    assert not is_ready(setup)


def test_test_environment_serves_for_both(setup: Setup, machine: FakeMachine) -> None:
    """`make setup` after `make test` keeps the bigger environment, also when the locks changed."""
    dev = Setup(project=setup.project, group="dev")
    set_up(setup, run=machine)
    set_up(dev, run=machine)

    assert not set_up(setup, run=machine)
    pyproject = setup.project / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("'x'", "'y'"))
    set_up(setup, run=machine)
    assert read_marker(setup)["group"] == "dev"


def test_moved_checkout_is_made_again(setup: Setup, machine: FakeMachine) -> None:
    """A .venv that was made elsewhere is replaced: its scripts name the old folder."""
    set_up(setup, run=machine)
    moved = Setup(project=setup.project.rename(setup.project.with_name("elsewhere")), group="tool")

    assert not is_ready(moved)
    set_up(moved, run=machine)

    assert machine.count("-m venv") == 2


def test_without_ensurepip(setup: Setup, machine: FakeMachine) -> None:
    """Where Python came without ensurepip its own pip fetches uv."""
    machine.refuses = lambda command: (
        command.endswith(f"-m venv {setup.venv}") or f"{setup.python} -m pip --version" in command
    )

    set_up(setup, run=machine)

    assert machine.count("--without-pip") == 1
    assert machine.count("--target") == 1
    assert is_ready(setup)


def test_without_any_pip(setup: Setup, machine: FakeMachine) -> None:
    """Where there is no pip at all the message says what to install."""
    machine.refuses = lambda command: command.endswith(f"-m venv {setup.venv}") or "-m pip --version" in command

    with pytest.raises(PrerequisiteMissing, match="cannot make a virtual environment") as caught:
        set_up(setup, run=machine)

    assert "apt install python3" in caught.value.next_command


def test_foreign_folder_stays(setup: Setup, machine: FakeMachine) -> None:
    """A .venv that is no virtual environment is not removed."""
    setup.venv.mkdir()
    (setup.venv / "precious").touch()

    with pytest.raises(ConfigurationError, match="in the way"):
        set_up(setup, run=machine)

    assert (setup.venv / "precious").exists()


def bundle_for_tool(folder: Path, python_version: str) -> Bundle:
    """A bundle with the tool's lock and one wheel, for that Python."""
    wanted = Wanted(name="tool", lock_sha256=lock_sha256(LOCKS / "tool.txt"), python_version=python_version)
    for name in ("wheels", "locks"):
        (folder / name).mkdir(parents=True)
    (folder / "wheels" / "uv-1-py3-none-any.whl").write_text("a wheel")
    lock = folder / "locks" / "tool.txt"
    lock.write_text((LOCKS / "tool.txt").read_text("utf-8"))
    part = Part(
        name="tool",
        python_version=python_version,
        system=sys.platform,
        machine="any",
        lock_sha256=wanted.lock_sha256,
        additions=(),
        lock="locks/tool.txt",
        lock_copy_sha256=sha256_of(lock),
        files={"uv-1-py3-none-any.whl": sha256_of(folder / "wheels" / "uv-1-py3-none-any.whl")},
    )
    bundle = Bundle(folder=folder, parts={wanted.key: part})
    write_manifest(bundle)
    return bundle


def test_from_a_bundle(setup: Setup, machine: FakeMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With SANDBOX_BUNDLE pip and uv look nowhere else, and install from the bundle's copy of the lock."""
    bundle = bundle_for_tool(tmp_path / "a bundle", f"{sys.version_info.major}.{sys.version_info.minor}")
    monkeypatch.setenv(VARIABLE, str(bundle.folder))

    assert set_up(setup, run=machine)

    installs = [command for command in machine.commands if "pip install" in command or "pip sync" in command]
    assert len(installs) == 3
    assert all(f"--no-index --find-links {bundle.wheels.as_uri()}" in command for command in installs)
    assert str(bundle.folder / "locks" / "tool.txt") in next(command for command in installs if "pip sync" in command)


def test_a_bundle_that_lacks_it(
    setup: Setup, machine: FakeMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bundle for another Python is refused before the .venv that works is touched."""
    set_up(setup, run=machine)
    marker = read_marker(setup)
    pyproject = setup.project / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("'x'", "'y'"))
    monkeypatch.setenv(VARIABLE, str(bundle_for_tool(tmp_path / "a bundle", "3.99").folder))
    commands = len(machine.commands)

    with pytest.raises(PrerequisiteMissing, match="lacks tool") as caught:
        set_up(setup, run=machine)

    assert "Python 3.99" in caught.value.why
    assert read_marker(setup) == marker
    assert len(machine.commands) == commands


def test_bundle_for_the_python_of_venv(
    setup: Setup, machine: FakeMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where .venv stays, the bundle must have the lock for the Python in it, not for the one that runs make."""
    set_up(setup, run=machine)
    (setup.venv / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.99.1\n")
    pyproject = setup.project / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("'x'", "'y'"))
    monkeypatch.setenv(VARIABLE, str(bundle_for_tool(tmp_path / "a bundle", "3.99").folder))

    assert set_up(setup, run=machine)
