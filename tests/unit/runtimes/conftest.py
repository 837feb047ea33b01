"""A fake uv and a fake machine: nothing here starts a process or reaches a network."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from sandbox.runtimes.locks import pins
from sandbox.runtimes.pythons import Found
from sandbox.runtimes.tools import Tools
from sandbox.runtimes.uv import Cancelled, Outcome, ignore


class FakeUv:
    """Does what uv would to the file system; a test says what shall go wrong."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, ...]] = []
        self.on_sync: Callable[[Path], Outcome | None] = lambda _venv: None
        self.python_install = Outcome(returncode=1, lines=("error: no download in this test",))
        self.on_run = Outcome(returncode=0)
        self.compiled = ""

    def __call__(
        self,
        arguments: Sequence[str],
        *,
        folder: Path,
        on_line: Callable[[str], None] = ignore,
        cancelled: threading.Event | None = None,
        keep_open: tuple[int, ...] = (),
    ) -> Outcome:
        self.commands.append(tuple(arguments))
        match arguments:
            case ["venv", *_]:
                venv = Path([argument for argument in arguments if argument != "--offline"][-1])
                (venv / "bin").mkdir(parents=True)
                (venv / "bin" / "python").symlink_to(sys.executable)
                (venv / "pyvenv.cfg").write_text("home = /usr/bin\nversion_info = 3.11.2\n")
            case ["pip", "sync", *_]:
                return self._sync(arguments, on_line, cancelled)
            case ["pip", "compile", *_]:
                target = Path(arguments[list(arguments).index("--output-file") + 1])
                target.write_text(self.compiled or target.read_text("utf-8"), "utf-8")
            case ["run", *_]:
                return self.on_run
            case ["python", "install", *_]:
                return self.python_install
            case ["python", "list", *_]:
                return Outcome(returncode=0, lines=("[]",))
        return Outcome(returncode=0)

    def _sync(
        self, arguments: Sequence[str], on_line: Callable[[str], None], cancelled: threading.Event | None
    ) -> Outcome:
        venv = Path(arguments[list(arguments).index("--python") + 1]).parent.parent
        if (outcome := self.on_sync(venv)) is not None:
            return outcome
        if cancelled is not None and cancelled.is_set():
            raise Cancelled
        lock = Path(next(argument for argument in arguments if argument.endswith(".txt")))
        site = venv / "lib" / "python3.11" / "site-packages"
        for name, versions in pins(lock.read_text("utf-8")).items():
            (site / f"{name.replace('-', '_')}-{min(versions)}.dist-info").mkdir(parents=True)
        on_line("Resolved 5 packages in 1ms")
        return Outcome(returncode=0)

    @property
    def syncs(self) -> int:
        return sum(command[:2] == ("pip", "sync") for command in self.commands)


def all_pythons(minors: Iterable[str]) -> Found:
    """A machine that has every Python."""
    return Found(by_minor={minor: Path(sys.executable) for minor in minors}, looked_at=("everywhere: all",))


def no_pythons(_minors: Iterable[str]) -> Found:
    """A machine that has none."""
    return Found(by_minor={}, looked_at=("python3.11, python3 on PATH: 3.9.2", "/home/u/.pyenv/versions: none"))


@pytest.fixture
def uv() -> FakeUv:
    return FakeUv()


@pytest.fixture
def tools(uv: FakeUv) -> Tools:
    """A machine with every Python and a terabyte of room."""
    return Tools(uv=uv, find_pythons=all_pythons, free_bytes=lambda _folder: 2**40)


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    return tmp_path / "cache with a space"
