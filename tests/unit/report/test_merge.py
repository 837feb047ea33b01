"""What several jobs found as one report."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.errors import ConfigurationError
from sandbox.report.integrity import complaint, sealed
from sandbox.report.merge import merge
from sandbox.report.model import File, Report, State
from tests.unit.report.conftest import FAILED, NOT_RUN, PASSED, make_report, result


def test_cells_of_several_jobs(tmp_path: Path, report: Report) -> None:
    """Each cell once, its files beside the new report, which has a digest of its own."""
    passed, failed, not_run = report.cells
    place = tmp_path / "job"
    (place / "x").mkdir(parents=True)
    (place / "x" / "log").write_text("text")
    passed = passed.model_copy(update={"files": (File(path="x/log", sha256="0", size_bytes=4, kind="log"),)})
    jobs = [sealed(make_report(cells=(cell,)), "key") for cell in (passed, failed, not_run)]
    target = tmp_path / "target"
    target.mkdir()

    one = merge([(jobs[0], place), (jobs[1], tmp_path), (jobs[2], tmp_path)], target, key="key")

    assert [cell.id for cell in one.cells] == [PASSED, FAILED, NOT_RUN]
    assert (target / "x" / "log").read_text() == "text"
    assert complaint(one, "key") == ""
    assert one.id == "target"


def test_what_failed_once_has_failed(tmp_path: Path, report: Report) -> None:
    """A second result of a cell does not hide the first; one that was run replaces one that was not."""
    failed = sealed(make_report(cells=(result(PASSED, state=State.FAILED),)), "")
    passed = sealed(make_report(cells=(result(PASSED, state=State.PASSED),)), "")
    not_run = sealed(make_report(cells=(result(PASSED, state=State.NOT_RUN),)), "")

    def state(*reports: Report) -> State:
        return merge([(each, tmp_path) for each in reports], tmp_path, key="").cells[0].state

    assert state(failed, passed) is State.FAILED
    assert state(passed, failed) is State.FAILED
    assert state(passed, not_run) is State.PASSED
    assert state(not_run, passed) is State.PASSED


def test_other_sources_are_refused(tmp_path: Path, report: Report) -> None:
    """Another lock is another thing that was tested."""
    other = sealed(report.model_copy(update={"inputs": {**report.inputs, "lock:tool": "9" * 64}}), "")

    with pytest.raises(ConfigurationError, match="lock:tool differs"):
        merge([(sealed(report, ""), tmp_path), (other, tmp_path)], tmp_path, key="")


def test_an_edited_report_is_refused(tmp_path: Path, report: Report) -> None:
    """Before anything is merged."""
    edited = sealed(report, "").model_copy(update={"cells": report.cells[:1]})

    with pytest.raises(ConfigurationError, match="cannot be trusted"):
        merge([(sealed(report, ""), tmp_path), (edited, tmp_path)], tmp_path, key="")
