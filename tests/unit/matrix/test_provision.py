"""What cells need before they start; one that cannot have it does not take it from the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.matrix import provision
from sandbox.matrix.cell import Cell
from sandbox.matrix.runner import Job
from sandbox.progress import Silent

GOOD = "airflow3.0.2-py3.11-process-sail-dbx7.6.0"
BAD = "airflow3.0.2-py3.11-process-remote-dbx7.6.0"


def job(cell_id: str, project: Path, **settings: str) -> Job:
    return Job(
        cell=Cell(id=cell_id, purpose="a test"),
        project=project,
        folder=project / cell_id,
        tests=("tests",),
        limit_seconds=60,
        settings=settings,
    )


def test_settings_that_contradict_each_other_are_one_cell_s_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others run; the reason is that of the settings."""
    monkeypatch.setattr(provision, "ensure", lambda needs, progress: {})
    bad = job(BAD, tmp_path, SANDBOX_ENGINE_NAME="spark", SANDBOX_BACKEND="docker")

    able, unable = provision.provide([job(GOOD, tmp_path), bad], Silent())

    assert [each.cell.id for each in able] == [GOOD]
    assert unable == {
        BAD: "the configuration has 1 problem: the engine `spark` runs on the process backend only: no image of docker "
        "has Java"
    }
