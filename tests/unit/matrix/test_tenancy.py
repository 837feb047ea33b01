"""Whose a cell's sandbox is, and what is left of those of killed runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.backends import BACKENDS
from sandbox.errors import ServiceNotHealthy
from sandbox.matrix import tenancy
from sandbox.matrix.campaign import Silent
from sandbox.paths import StatePaths


def left_behind(project: Path, name: str) -> StatePaths:
    paths = StatePaths(project=project, name=name)
    (paths.root / "logs").mkdir(parents=True)
    return paths


def test_a_sandbox_is_one_runs_alone(tmp_path: Path) -> None:
    """A second run is refused at once, and may have it afterwards."""
    paths = StatePaths(project=tmp_path, name="cell-1")

    with tenancy.alone(paths), pytest.raises(ServiceNotHealthy, match="at work on cell-1"), tenancy.alone(paths):
        pass
    with tenancy.alone(paths):
        pass


def test_what_a_killed_run_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But neither what a living run has, nor a user's own sandboxes."""
    monkeypatch.setattr(tenancy, "BACKENDS", {"process": BACKENDS["process"]})  # the others ask Docker
    dead, alive, own = (left_behind(tmp_path, name) for name in ("cell-1", "cell-2", "default"))

    with tenancy.alone(alive):
        tenancy.remove_leftovers(tmp_path, Silent())

    assert [paths.root.exists() for paths in (dead, alive, own)] == [False, True, True]
