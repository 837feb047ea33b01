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


def test_what_is_not_signed_does_not_become_signed(tmp_path: Path, report: Report) -> None:
    """Who holds the key vouches for what is merged."""
    with pytest.raises(ConfigurationError, match="cannot be trusted") as refused:
        merge([(sealed(report, ""), tmp_path)], tmp_path, key="key")

    assert "it is not signed, and what is made of it would be" in refused.value.why


def test_age_and_flakiness_stay(tmp_path: Path) -> None:
    """A merged report is as old as its oldest part, and a cell that was flaky once is flaky, in whatever order."""
    flaky = make_report(
        created="2026-01-01T00:30:00+01:00",
        cells=(result(PASSED, state=State.PASSED).model_copy(update={"flaky": True}),),
    )
    clean = make_report(created="2026-01-01T00:00:00+00:00", cells=(result(PASSED, state=State.PASSED),))

    for reports in ((flaky, clean), (clean, flaky)):
        one = merge([(sealed(each, ""), tmp_path) for each in reports], tmp_path, key="")
        assert (one.cells[0].flaky, one.created) == (True, "2026-01-01T00:30:00+01:00")


@pytest.mark.parametrize("path", ["../planted.py", "/etc/hostname", "x/../../run/planted.py"])
def test_a_report_stays_in_its_folder(tmp_path: Path, path: str) -> None:
    """Whatever files it names."""
    place, target = tmp_path / "run", tmp_path / "project" / "run"
    (place / "x").mkdir(parents=True)
    target.mkdir(parents=True)
    for planted in (tmp_path / "planted.py", place / "planted.py"):
        planted.write_text("1")
    cell = result(PASSED, state=State.PASSED).model_copy(
        update={"files": (File(path=path, sha256="0", size_bytes=1, kind="log"),)}
    )

    merge([(sealed(make_report(cells=(cell,)), ""), place)], target, key="")

    assert [file for file in (tmp_path / "project").rglob("*") if file.is_file()] == []


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
