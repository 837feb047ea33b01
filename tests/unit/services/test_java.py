"""Which Java is taken, and what is said where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.errors import PrerequisiteMissing
from sandbox.services import java
from sandbox.services.java import find_java


def a_java(home: Path, version: str) -> Path:
    """A Java that only tells its version."""
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-01-01' >&2\n")
    program.chmod(0o755)
    return home


@pytest.fixture(autouse=True)
def no_usual_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine has is out of sight."""
    monkeypatch.setattr(java, "FOLDERS", ())


def test_java_home_comes_before_the_path(tmp_path: Path) -> None:
    """And a configured one before both."""
    home, path, configured = (a_java(tmp_path / name, "17.0.1") for name in ("home", "path", "configured"))
    env = {"JAVA_HOME": str(home), "PATH": f"{path / 'bin'}:/bin"}

    assert find_java(None, env).home == home
    assert find_java(None, {"PATH": env["PATH"]}).home == path
    assert find_java(str(configured), env).home == configured


def test_one_that_is_too_old_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Java 8 calls itself 1.8."""
    old = a_java(tmp_path / "old", "1.8.0_402")
    a_java(tmp_path / "jvm" / "new", "21.0.2")
    monkeypatch.setattr(java, "FOLDERS", (str(tmp_path / "jvm"),))

    found = find_java(None, {"JAVA_HOME": str(old), "PATH": "/bin-that-is-not"})

    assert (found.home, found.version) == (tmp_path / "jvm" / "new", 21)


def test_a_version_that_spark_is_known_to_run_on_is_preferred(tmp_path: Path) -> None:
    """A newer one serves where there is nothing else."""
    newer = a_java(tmp_path / "newer", "99")
    known = a_java(tmp_path / "known", "17.0.15")

    assert find_java(None, {"JAVA_HOME": str(newer), "PATH": f"{known / 'bin'}:/bin"}).version == 17
    assert find_java(None, {"JAVA_HOME": str(newer), "PATH": "/bin-that-is-not"}).version == 99


def test_where_there_is_none_the_message_says_what_was_looked_at(tmp_path: Path) -> None:
    """And what to do, also without Java."""
    old = a_java(tmp_path / "old", "11.0.2")

    with pytest.raises(PrerequisiteMissing, match="needs Java 17 or newer") as raised:
        find_java(str(old), {})

    assert raised.value.why == f"{old}: Java 11"
    assert "SANDBOX_ENGINE_NAME=sail" in raised.value.next_command
