"""`make setup` and `make test`: when .venv is made, made again, or left alone."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sandbox.errors import ConfigurationError, PrerequisiteMissing
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
