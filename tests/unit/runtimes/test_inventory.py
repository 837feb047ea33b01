"""`list_runtimes` and `prune`."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

from sandbox.runtimes.build import ensure
from sandbox.runtimes.guard import held_if_free
from sandbox.runtimes.inventory import State, list_runtimes, prune
from sandbox.runtimes.registry import RUNTIMES
from sandbox.runtimes.store import BUILDING_PREFIX, read_sentinel, runtimes_folder, write_sentinel
from sandbox.runtimes.sweep import lock_path
from sandbox.runtimes.tools import Tools
from tests.unit.recorded import RecordedProgress


def built(cache_dir: Path, tools: Tools, progress: RecordedProgress) -> Path:
    """A cache with the runtime postgres; its folder."""
    return ensure(["postgres"], progress=progress, cache_dir=cache_dir, tools=tools)["postgres"].path


def outdate(folder: Path) -> None:
    """Make the runtime one of another lock."""
    sentinel = read_sentinel(folder)
    assert sentinel is not None
    write_sentinel(folder, dataclasses.replace(sentinel, lock_sha256="0" * 64))


def test_empty_cache_lists_all_as_missing(cache_dir: Path) -> None:
    """Without a cache every registered runtime is listed as missing, and nothing is to prune."""
    listed = list_runtimes(cache_dir=cache_dir)

    assert [entry.name for entry in listed] == list(RUNTIMES)
    assert {entry.state for entry in listed} == {State.MISSING}
    assert prune(cache_dir=cache_dir) == ()


def test_list_tells_states(cache_dir: Path, tools: Tools, progress: RecordedProgress) -> None:
    """Built, broken, outdated and unfinished runtimes are told apart."""
    folder = built(cache_dir, tools, progress)

    def state() -> list[State]:
        return [entry.state for entry in list_runtimes(cache_dir=cache_dir) if entry.path == folder]

    assert state() == [State.BUILT]
    outdate(folder)
    assert state() == [State.OUTDATED]
    folder = folder.rename(folder.with_name(f"{BUILDING_PREFIX}{folder.name}-0123abcd"))
    assert state() == [State.BUILDING]


def test_list_tells_broken(cache_dir: Path, tools: Tools, progress: RecordedProgress) -> None:
    """A runtime whose interpreter was uninstalled is broken."""
    folder = built(cache_dir, tools, progress)
    (folder / "bin" / "python").unlink()

    entries = [entry for entry in list_runtimes(cache_dir=cache_dir) if entry.path == folder]

    assert [entry.state for entry in entries] == [State.BROKEN]


def test_prune_keeps_the_current(cache_dir: Path, tools: Tools, progress: RecordedProgress) -> None:
    """What this checkout would build again stays."""
    folder = built(cache_dir, tools, progress)

    assert prune(cache_dir=cache_dir) == ()
    assert folder.exists()


def test_prune_removes_the_outdated(cache_dir: Path, tools: Tools, progress: RecordedProgress) -> None:
    """What no lock describes any more goes; a dry run only says so."""
    folder = built(cache_dir, tools, progress)
    outdate(folder)

    assert [entry.path for entry in prune(cache_dir=cache_dir, dry_run=True)] == [folder]
    assert folder.exists()
    assert [entry.kept_because for entry in prune(cache_dir=cache_dir)] == [None]
    assert not folder.exists()


def test_prune_touches_only_ours(cache_dir: Path, tools: Tools, progress: RecordedProgress) -> None:
    """Folders and files without our sentinel stay, whatever they are called."""
    parent = runtimes_folder(cache_dir)
    built(cache_dir, tools, progress)
    for name in ("mine", f"{BUILDING_PREFIX}mine-0", "postgres-0123456789abcdef"):
        (parent / name).mkdir()
        (parent / name / "precious").write_text("x")
    (parent / "link").symlink_to(parent / "mine")

    prune(cache_dir=cache_dir)

    assert all((parent / name / "precious").exists() for name in ("mine", f"{BUILDING_PREFIX}mine-0", "link"))
    assert (parent / "postgres-0123456789abcdef" / "precious").exists()


def test_prune_leaves_a_running_build(cache_dir: Path, tools: Tools, progress: RecordedProgress) -> None:
    """A folder whose builder is at work is no leftover."""
    folder = built(cache_dir, tools, progress)
    stem = folder.name
    folder = folder.rename(folder.with_name(f"{BUILDING_PREFIX}{stem}-0123abcd"))

    with held_if_free(lock_path(folder.parent, stem)) as held:
        assert held
        kept = prune(cache_dir=cache_dir)

    assert [entry.kept_because for entry in kept] == ["it is being built"]
    assert folder.exists()
    prune(cache_dir=cache_dir)
    assert not folder.exists()


def test_prune_leaves_what_runs(cache_dir: Path, tools: Tools, progress: RecordedProgress) -> None:
    """A runtime that a process was started from stays until it ended."""
    folder = built(cache_dir, tools, progress)
    outdate(folder)
    process = subprocess.Popen(
        [folder / "bin" / "python", "-c", "input('begun')"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        # a process has no command line yet when its program has only just been loaded
        assert process.stdout is not None
        assert process.stdout.read(5) == b"begun"
        kept = prune(cache_dir=cache_dir)
    finally:
        process.communicate(b"\n")

    assert [entry.kept_because for entry in kept] == [f"process {process.pid} runs from it"]
    assert folder.exists()
