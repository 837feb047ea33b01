"""`.ci/run` on a machine that has next to nothing: what it installs, what it asks for."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.driver import REPOSITORY

OF_THE_SYSTEM = ("dirname", "find", "head", "mktemp", "rm", "sort", "tail")


@pytest.fixture
def machine(tmp_path: Path) -> Callable[..., Path]:
    """Makes a PATH with programs that are scripts; apt-get and make write down what they were asked for."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def make(**programs: str) -> Path:
        for name in OF_THE_SYSTEM:
            found = shutil.which(name)
            assert found, name
            (folder / name).symlink_to(found)
        for name, script in programs.items():
            file = folder / name.replace("_", "-")
            file.write_text(f"#!/bin/sh\n{script}\n")
            file.chmod(0o755)
        return folder

    return make


def run(path: Path) -> subprocess.CompletedProcess[str]:
    """The script with nothing but this PATH."""
    bash = shutil.which("bash")
    assert bash
    return subprocess.run(
        [bash, REPOSITORY / ".ci" / "run"],
        env={"PATH": str(path), "TMPDIR": str(path.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_root_on_a_new_debian(machine: Callable[..., Path], tmp_path: Path) -> None:
    """The lists of packages are fetched once, then what is missing: also venv, where there is a python3 without it."""
    asked = tmp_path / "asked"
    path = machine(
        id="echo 0",
        apt_get=f'echo "${{DEBIAN_FRONTEND:-}} $*" >>{asked}',
        python3="exit 1",
        make=f'echo "make $*" >>{asked}',
    )

    done = run(path)

    assert done.returncode == 0, done.stderr
    assert asked.read_text().splitlines() == [
        " update -qq",
        "noninteractive install -qq -y git",
        "noninteractive install -qq -y python3-venv",
        "make test",
    ]


def test_nothing_is_installed_that_is_there(machine: Callable[..., Path], tmp_path: Path) -> None:
    """Without a look at the lists of packages."""
    asked = tmp_path / "asked"
    path = machine(id="echo 0", apt_get=f"echo apt-get >>{asked}", git="", python3="", make=f"echo make >>{asked}")

    assert run(path).returncode == 0
    assert asked.read_text() == "make\n"


def test_an_ordinary_user_is_told(machine: Callable[..., Path]) -> None:
    """Which package has what is missing."""
    done = run(machine(id="echo 1000", apt_get="", python3="", make=""))

    assert done.returncode == 4
    assert done.stderr == "error: git is missing\nnext: install it (Debian, Ubuntu: sudo apt install git)\n"


def test_a_failure_stays_one(machine: Callable[..., Path]) -> None:
    """The exit code is that of the tests."""
    assert run(machine(id="echo 1000", git="", python3="", make="exit 3")).returncode == 3
