"""A test run that is killed leaves nothing: the reaper waits for the last user, and does what that one could not."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sandbox.backends import BACKENDS
from sandbox.paths import StatePaths
from sandbox.progress import Silent
from sandbox.testing.reaper import reap
from sandbox.testing.tenancy import file_of, users_file

USER = """
import fcntl, sys
users, file = open(sys.argv[1], "a"), open(sys.argv[2], "a")
fcntl.flock(users, fcntl.LOCK_SH)
fcntl.flock(file, fcntl.LOCK_SH)
print("in use", flush=True)
sys.stdin.read()
"""


class RecordedBackend:
    """Remembers what it was asked to do."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def down(self, paths: StatePaths, _progress: Any) -> bool:
        self.calls.append(f"down {paths.name}")
        return True

    def erase(self, paths: StatePaths, _progress: Any) -> None:
        self.calls.append(f"erase {paths.name}")


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> RecordedBackend:
    """The one on which the sandbox is."""
    made = RecordedBackend()
    monkeypatch.setitem(BACKENDS, "process", made)
    return made


@pytest.fixture
def abandoned(tmp_path: Path) -> StatePaths:
    """A disposable sandbox that a test run had started; nobody holds its locks."""
    paths = StatePaths(project=tmp_path, name="pytest-7")
    paths.root.mkdir(parents=True)
    paths.credentials_file.write_text(json.dumps({}))
    file_of(paths).write_text("started by a test run\n")
    users_file(paths).touch()
    return paths


def left(paths: StatePaths) -> list[str]:
    return sorted(path.name for path in paths.root.parent.iterdir() if path.name != ".gitignore")


def test_a_killed_user_is_the_end_of_its_sandbox(abandoned: StatePaths, backend: RecordedBackend) -> None:
    """As long as the user lives nothing happens; after SIGKILL the sandbox goes with everything that it held."""
    with subprocess.Popen(
        [sys.executable, "-c", USER, str(users_file(abandoned)), str(file_of(abandoned))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as user:
        assert user.stdout is not None
        assert user.stdout.readline() == "in use\n"
        with users_file(abandoned).open("a") as locked, pytest.raises(BlockingIOError):
            fcntl.flock(locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
        user.kill()

        assert reap(abandoned, Silent()) is True

    assert backend.calls == ["down pytest-7", "erase pytest-7"]
    assert left(abandoned) == []


def test_logs_of_a_failed_test_are_kept(abandoned: StatePaths, backend: RecordedBackend) -> None:
    """A run that was killed after a failure: the sandbox is down, its folder stays for the next run."""
    with file_of(abandoned).open("a") as file:
        file.write("a test failed\n")

    reap(abandoned, Silent())

    assert backend.calls == ["down pytest-7"]
    assert left(abandoned) == [".pytest-7.tests", "pytest-7"]


def test_a_run_that_ended_well_is_left_alone(abandoned: StatePaths, backend: RecordedBackend) -> None:
    """Its last user has taken the sandbox down: there is nothing to do but to go."""
    file_of(abandoned).unlink()

    assert reap(abandoned, Silent()) is False
    assert backend.calls == []
