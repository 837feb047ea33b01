"""One command at a time works on a sandbox, whatever happens to the lock's file meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import filelock
import pytest

from sandbox import lifecycle
from sandbox.backends import Backend
from sandbox.paths import StatePaths
from sandbox.progress import Progress

PATIENCE_SECONDS = 20


class Notes:
    """A Progress that says when a command has to wait."""

    def __init__(self) -> None:
        self.waits = threading.Event()

    def note(self, text: str) -> None:
        if "waiting for it" in text:
            self.waits.set()


@pytest.fixture
def paths(tmp_path: Path) -> StatePaths:
    return StatePaths(project=tmp_path, name="default")


def backend(down: Callable[[], None]) -> Backend:
    """A backend of which only the end is asked."""

    def stop(*_: Any) -> bool:
        down()
        return True

    return cast(Backend, SimpleNamespace(down=stop, erase=lambda *_: None))


@pytest.mark.parametrize("end", [lifecycle.down, lifecycle.reset])
def test_who_waits_for_a_lock_that_is_removed_is_alone_too(
    end: Callable[[Backend, StatePaths, Progress], object], paths: StatePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command that waited for `down` or `reset` keeps a third one out."""
    paths.root.mkdir(parents=True)
    (paths.root / "state.json").write_text("{}")
    waiting, third = Notes(), Notes()
    release = threading.Event()
    inside = threading.Event()
    let_go = filelock.FileLock.release

    def let_go_slowly(lock: filelock.BaseFileLock, force: bool = False) -> None:
        """The next one is at work before this one goes on."""
        let_go(lock, force)
        assert inside.wait(PATIENCE_SECONDS)

    monkeypatch.setattr(filelock.FileLock, "release", let_go_slowly)

    def wait_and_hold() -> None:
        with lifecycle.exclusive(paths, cast(Progress, waiting)):
            inside.set()
            assert release.wait(PATIENCE_SECONDS)

    def third_command() -> None:
        with lifecycle.exclusive(paths, cast(Progress, third)):
            assert release.is_set()

    with ThreadPoolExecutor() as pool:
        second: list[Any] = []

        def begin_the_second() -> None:
            second.append(pool.submit(wait_and_hold))
            assert waiting.waits.wait(PATIENCE_SECONDS)

        end(backend(begin_the_second), paths, cast(Progress, Notes()))
        try:
            last = pool.submit(third_command)
            assert third.waits.wait(PATIENCE_SECONDS)
        finally:
            release.set()
        second[0].result(PATIENCE_SECONDS)
        last.result(PATIENCE_SECONDS)


def test_reset_leaves_nothing(paths: StatePaths) -> None:
    """Files, folders and links, not what the links lead to."""
    elsewhere = paths.project / "package"
    elsewhere.mkdir()
    (paths.root / "warehouse").mkdir(parents=True)
    (paths.root / "warehouse" / "table").write_text("rows")
    (paths.root / "pythonpath").symlink_to(elsewhere)

    lifecycle.reset(backend(lambda: None), paths, cast(Progress, Notes()))

    assert not paths.root.exists()
    assert elsewhere.is_dir()
