"""Whose a cell's sandbox is, and what is left of those of killed runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from sandbox import health
from sandbox.backends import BACKENDS
from sandbox.errors import ServiceNotHealthy
from sandbox.matrix import tenancy
from sandbox.paths import StatePaths
from sandbox.progress import Silent


def left_behind(project: Path, name: str) -> StatePaths:
    paths = StatePaths(project=project, name=name)
    (paths.root / "logs").mkdir(parents=True)
    return paths


def test_a_sandbox_is_one_runs_alone(tmp_path: Path) -> None:
    """A second run is refused at once, and may have it afterwards."""
    paths = StatePaths(project=tmp_path, name="cell-1")

    with (
        tenancy.alone(paths),
        pytest.raises(ServiceNotHealthy, match="at work on cell-1"),
        tenancy.alone(paths, wait_seconds=0),
    ):
        pass
    with tenancy.alone(paths):
        pass


def test_what_a_killed_run_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But neither what a living run has, nor a user's own sandboxes."""
    monkeypatch.setattr(tenancy, "BACKENDS", {"process": BACKENDS["process"]})  # the others ask Docker
    names = ("cell-1", "cell-1.cell-dags", "cell-2", "cell-2.cell-dags", "default")
    left = [left_behind(tmp_path, name) for name in names]

    with tenancy.alone(StatePaths(project=tmp_path, name="cell-2")):
        tenancy.remove_leftovers(tmp_path, Silent())

    assert [paths.name for paths in left if paths.root.exists()] == ["cell-2", "cell-2.cell-dags", "default"]


RUN = """
import pathlib, subprocess, sys
from sandbox.matrix import tenancy
from sandbox.paths import StatePaths
project = pathlib.Path(sys.argv[1])
with tenancy.alone(StatePaths(project=project, name="cell-1")):
    argv = [sys.executable, "-c", "input()", "--sandbox-name=cell-1"]
    tests = subprocess.Popen(argv, cwd=project, stdin=subprocess.PIPE)
    print(tests.pid, flush=True)
    input()
"""


@pytest.mark.parametrize("killed", [True, False])
def test_a_killed_run_is_cleaned_up_after(tmp_path: Path, killed: bool) -> None:
    """Its sandbox goes, and the tests that it left; a run that ends in good order finds its sandbox as it was."""
    paths = left_behind(tmp_path, "cell-1")
    argv = [sys.executable, "-c", RUN, str(tmp_path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        tests = psutil.Process(int(run.stdout.readline()))
        if killed:
            run.kill()
        else:
            run.communicate("")

    if killed:
        health.wait_until(lambda: "still there" if paths.root.exists() else "", timeout_seconds=30)
        assert not tests.is_running() or tests.status() == psutil.STATUS_ZOMBIE
    else:
        with tenancy.lock(paths):
            assert paths.root.exists()
