"""A test run's sandbox is started once, shared, taken down by the last user, and found again after a kill."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from sandbox.backends import BACKENDS
from sandbox.backends.base import SandboxStatus, ServiceStatus
from sandbox.config import load
from sandbox.console import Terminal
from sandbox.paths import StatePaths
from sandbox.testing.tenancy import lent

SMALL = {"archive.sample.posts": 1, "archive.sample.users": 1}
Borrow = Callable[..., AbstractContextManager[Any]]


class RecordedBackend:
    """A backend whose sandboxes are files; remembers what it was asked to do."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def up(self, plan: Any, **_: Any) -> None:
        self.calls.append(f"up {plan.name}")
        (plan.paths.root / "up").write_text("")

    def down(self, paths: StatePaths, _progress: Any) -> bool:
        self.calls.append(f"down {paths.name}")
        (paths.root / "up").unlink(missing_ok=True)
        return True

    def status(self, paths: StatePaths) -> SandboxStatus:
        service = ServiceStatus(
            name="airflow", title="Airflow", healthy=True, url="", detail="", where={}, started=None
        )
        services = (service,) if (paths.root / "up").exists() else ()
        return SandboxStatus(name=paths.name, backend="process", services=services, credentials_file=paths.root / "c")

    def end(self, paths: StatePaths, services: Any) -> None:
        self.calls.append(f"end {paths.name} {services}")

    def erase(self, paths: StatePaths, _progress: Any) -> None:
        self.calls.append(f"erase {paths.name}")

    def context(self, paths: StatePaths) -> Any:
        return paths.name


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> RecordedBackend:
    """In the place of the process backend."""
    made = RecordedBackend()
    monkeypatch.setitem(BACKENDS, "process", made)
    return made


@pytest.fixture
def borrow(tmp_path: Path) -> Borrow:
    """`lent` in an empty project."""
    loaded = load(tmp_path, {}, SMALL)

    def make(name: str = "pytest-1", *, failed: bool = False, keep: bool = False) -> AbstractContextManager[Any]:
        paths = StatePaths(project=tmp_path, name=name)
        return lent(loaded, paths, Terminal(quiet=True), failed=lambda: failed, keep=keep)

    return make


def state(project: Path) -> list[str]:
    return sorted(path.name for path in (project / ".sandbox").iterdir() if path.name != ".gitignore")


def test_a_disposable_sandbox_leaves_nothing(borrow: Borrow, backend: RecordedBackend, tmp_path: Path) -> None:
    """It is up inside, and neither it nor its folder is there afterwards."""
    with borrow() as context:
        assert context == "pytest-1"
        assert (tmp_path / ".sandbox" / "pytest-1" / "up").exists()

    assert backend.calls == ["up pytest-1", "down pytest-1", "erase pytest-1"]
    assert state(tmp_path) == []


def test_the_last_user_takes_it_down(borrow: Borrow, backend: RecordedBackend) -> None:
    """Whoever leaves while another one uses it leaves it running."""
    with ExitStack() as second:
        with borrow():
            second.enter_context(borrow())
        assert "down pytest-1" not in backend.calls

    assert backend.calls[-2:] == ["down pytest-1", "erase pytest-1"]


def test_a_sandbox_that_is_up_is_left_as_it_is(borrow: Borrow, backend: RecordedBackend, tmp_path: Path) -> None:
    """Somebody works with it."""
    (tmp_path / ".sandbox" / "mine").mkdir(parents=True)
    (tmp_path / ".sandbox" / "mine" / "up").write_text("")

    with borrow("mine"):
        pass

    assert backend.calls == []


def test_a_named_sandbox_keeps_its_data(borrow: Borrow, backend: RecordedBackend, tmp_path: Path) -> None:
    """It is taken down, and its folder stays."""
    with borrow("nightly"):
        pass

    assert backend.calls == ["up nightly", "down nightly"]
    assert state(tmp_path) == ["nightly"]


def test_logs_of_a_failure_stay_until_the_next_run(borrow: Borrow, backend: RecordedBackend, tmp_path: Path) -> None:
    """The sandbox is down, its folder is there; the next run removes it."""
    with borrow(failed=True):
        pass
    kept = state(tmp_path)
    with borrow("pytest-2"):
        pass

    assert kept == [".pytest-1.tests", "pytest-1"]
    assert state(tmp_path) == []


def test_one_failing_user_is_enough(borrow: Borrow, backend: RecordedBackend, tmp_path: Path) -> None:
    """The last user's tests passed, another one's did not: the folder is kept."""
    with borrow(), borrow(failed=True):
        pass

    assert "pytest-1" in state(tmp_path)


def test_a_killed_run_is_cleared_by_the_next(borrow: Borrow, backend: RecordedBackend, tmp_path: Path) -> None:
    """What nobody has locked belongs to a process that is gone."""
    folder = tmp_path / ".sandbox" / "pytest-0"
    folder.mkdir(parents=True)
    (folder / "credentials.json").write_text(json.dumps({}))
    (tmp_path / ".sandbox" / ".pytest-0.tests").write_text("started by a test run\n")

    with borrow():
        pass

    assert backend.calls[0] == "down pytest-0"
    assert state(tmp_path) == []


def test_a_note_of_a_killed_run_says_nothing(borrow: Borrow, backend: RecordedBackend, tmp_path: Path) -> None:
    """A sandbox that somebody has started since then is theirs."""
    folder = tmp_path / ".sandbox" / "mine"
    folder.mkdir(parents=True)
    (folder / "up").write_text("")
    (tmp_path / ".sandbox" / ".mine.tests").write_text("started by a test run\n")

    with borrow("mine"):
        pass

    assert backend.calls == []


def test_keep_leaves_it_running(borrow: Borrow, backend: RecordedBackend) -> None:
    """For somebody who wants to look."""
    with borrow(keep=True):
        pass

    assert backend.calls == ["up pytest-1"]
