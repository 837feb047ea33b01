"""Which interpreters are found."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from sandbox.runtimes.pythons import find_pythons

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"


def fake_python(path: Path, version: str, *, implementation: str = "cpython") -> Path:
    """A program that answers like a Python of that version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    answer = f'["{version}", "{path}", "{implementation}", false, "{platform.machine()}"]'
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(0o755)
    return path


def test_own_python_is_enough(tmp_path: Path) -> None:
    """The tool's own Python is found first, and the search ends when nothing is missing."""
    found = find_pythons([OWN], environment={"PATH": ""}, home=tmp_path)

    assert found.by_minor.keys() == {OWN}
    assert found.first(["2.7", OWN]) == (OWN, found.by_minor[OWN])


def test_path_and_pyenv(tmp_path: Path) -> None:
    """PATH comes before pyenv's versions; dead shims and other implementations don't count."""
    on_path, home = tmp_path / "bin dir", tmp_path / "home"
    shim = fake_python(on_path / "python3.98", "")
    shim.write_text("#!/bin/sh\nexit 127\n")
    fake_python(on_path / "python3.97", "3.97.0", implementation="pypy")
    first = fake_python(on_path / "python3.99", "3.99.1")
    fake_python(home / ".pyenv/versions/3.99.0/bin/python", "3.99.0")
    second = fake_python(home / ".pyenv/versions/3.98.0/bin/python", "3.98.0")

    found = find_pythons(["3.97", "3.98", "3.99"], environment={"PATH": f"{on_path}{os.pathsep}/nowhere"}, home=home)

    assert found.by_minor == {"3.99": first, "3.98": second}
    assert "3.99.1" in found.looked_at[1]
    assert "3.98.0" in found.looked_at[2]


def test_managed_come_last(tmp_path: Path) -> None:
    """uv's own interpreters are used where the machine has none."""
    managed = fake_python(tmp_path / "uv/bin/python", "3.99.2")

    found = find_pythons(["3.99"], environment={"PATH": ""}, home=tmp_path, managed=[managed])

    assert found.by_minor == {"3.99": managed}
    assert found.looked_at[-1] == "Pythons installed by uv: 3.99.2"


def test_a_folder_that_may_not_be_entered_is_passed_over(tmp_path: Path) -> None:
    """PATH may name folders of another user; only an ordinary user is really kept out of them."""
    closed = tmp_path / "closed"
    fake_python(closed / "python3.99", "3.99.1")
    found_elsewhere = fake_python(tmp_path / "open" / "python3.99", "3.99.2")
    closed.chmod(0)
    try:
        found = find_pythons(["3.99"], environment={"PATH": f"{closed}:{found_elsewhere.parent}"}, home=tmp_path)
    finally:
        closed.chmod(0o755)

    assert "3.99" in found.by_minor
