"""The locks of a project's own runtimes: written into the project, found again, and what is installed from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.errors import ConfigurationError
from sandbox.runtimes.build import ensure
from sandbox.runtimes.locks import lock_problems, pins
from sandbox.runtimes.project_locks import lock_file, locked
from sandbox.runtimes.project_locks_write import Written, write
from sandbox.runtimes.store import LOCK_COPY, RuntimeRequest, runtime_key
from sandbox.runtimes.tools import Tools
from tests.unit.recorded import RecordedProgress
from tests.unit.runtimes.conftest import FakeUv

ROW = "airflow-3.0.2-py3.11"
PLAIN = RuntimeRequest(name=ROW)
OWN = RuntimeRequest(name=ROW, extra_requirements=("six==1",), provider_versions=(("databricks", "7.9.0"),))
HASH = "    --hash=sha256:" + "0" * 64


def lock(*names: str) -> str:
    return "".join(f"{name} \\\n{HASH}\n" for name in names)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the project keeps its locks."""
    return tmp_path / "project" / "locks"


@pytest.fixture
def written(folder: Path, cache_dir: Path, tools: Tools, uv: FakeUv, progress: RecordedProgress) -> list[Written]:
    """The first lock of a project with one row of its own."""
    uv.compiled = lock("six==1", "b==1")
    return write([PLAIN, OWN], folder, upgrade=False, progress=progress, tools=tools, cache_dir=cache_dir)


def again(
    folder: Path, cache_dir: Path, tools: Tools, *requests: RuntimeRequest, upgrade: bool = False
) -> list[Written]:
    return write(requests, folder, upgrade=upgrade, progress=RecordedProgress(), tools=tools, cache_dir=cache_dir)


def test_only_a_row_with_additions_has_one(folder: Path, written: list[Written]) -> None:
    """It says for what it is, pins and hashes everything; the row alone has this package's lock."""
    (one,) = written

    assert one == Written(file=lock_file(OWN, folder), state="new", additions=("six==1", "databricks==7.9.0"))
    text = one.file.read_text()
    assert text.startswith(f"# Written by `sandbox runtimes lock`: {ROW} with six==1, databricks==7.9.0\n")
    assert lock_problems(text) == []
    assert [path.name for path in folder.iterdir()] == [one.file.name]


def test_it_is_found_again(folder: Path, written: list[Written]) -> None:
    """By the same additions only; their order does not matter."""
    turned = RuntimeRequest(name=ROW, extra_requirements=("b", "a"))
    straight = RuntimeRequest(name=ROW, extra_requirements=("a", "b"))

    plain, own, other = locked([PLAIN, OWN, straight], folder)

    assert (plain.lock, own.lock, other.lock) == (None, written[0].file, None)
    assert lock_file(turned, folder) == lock_file(straight, folder)


def test_what_is_installed_is_the_lock(
    folder: Path, written: list[Written], cache_dir: Path, tools: Tools, uv: FakeUv, progress: RecordedProgress
) -> None:
    """Nothing is resolved; another lock is another runtime."""
    (request,) = locked([OWN], folder)
    before = len(uv.commands)

    built = ensure([request], progress=progress, cache_dir=cache_dir, tools=tools)[ROW]

    assert (built.path / LOCK_COPY).read_text() == written[0].file.read_text()
    assert not [command for command in uv.commands[before:] if command[:2] == ("pip", "compile")]
    key = runtime_key(request, "3.11")
    assert key != runtime_key(OWN, "3.11")
    written[0].file.write_text(lock("six==1", "b==2"))
    assert runtime_key(request, "3.11") != key


def test_versions_stay(folder: Path, written: list[Written], cache_dir: Path, tools: Tools, uv: FakeUv) -> None:
    """uv is given the lock of before, unless all is to move; what moved is said."""
    uv.compiled = ""
    (kept,) = again(folder, cache_dir, tools, OWN)
    assert (kept.state, kept.words) == ("kept", "unchanged")
    assert pins(kept.file.read_text()) == {"six": {"1"}, "b": {"1"}}

    uv.compiled = lock("six==1", "b==2", "c==1")
    (moved,) = again(folder, cache_dir, tools, OWN, upgrade=True)
    assert moved.words == "b 1 → 2, c none → 1"


def test_one_that_nothing_asks_for_is_removed(
    folder: Path, written: list[Written], cache_dir: Path, tools: Tools
) -> None:
    """And no other file is."""
    (folder / "notes.txt").write_text("ours\n")

    gone = again(folder, cache_dir, tools, PLAIN)

    assert gone == [Written(file=written[0].file, state="removed")]
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_what_is_no_lock_is_refused(folder: Path, cache_dir: Path, tools: Tools, uv: FakeUv) -> None:
    """A package from a repository's address cannot be pinned by a hash; nothing is written."""
    uv.compiled = "own @ git+https://git.example.org/own\n"

    with pytest.raises(ConfigurationError, match="is not one") as refused:
        again(folder, cache_dir, tools, OWN)

    assert "names a host or a file" in refused.value.why
    assert not folder.exists()
