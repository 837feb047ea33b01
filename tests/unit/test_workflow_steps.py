"""The scripts in the CI workflows' steps, run as GitHub runs them: on reports that some jobs have left."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from sandbox.report import store
from sandbox.report.integrity import sealed
from tests.driver import REPOSITORY
from tests.unit.report.conftest import FAILED, NOT_RUN, PASSED, make_report
from tests.unit.test_workflows import parsed


def shell(script: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a step's script as GitHub does with `shell: bash`."""
    if shutil.which("jq") is None:
        pytest.skip("jq is not on PATH: apt-get install jq")
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env=os.environ | {"GITHUB_OUTPUT": "output", "GITHUB_STEP_SUMMARY": "summary", "RUNNER_TEMP": "temp"} | env,
        capture_output=True,
        text=True,
        check=False,
    )


def step_of(workflow: str, job: str, name: str) -> str:
    """The script of a step, by its id or name."""
    steps = parsed(REPOSITORY / ".github" / "workflows" / f"{workflow}.yml")["jobs"][job]["steps"]
    (script,) = (step["run"] for step in steps if name in (step.get("id"), step.get("name")))
    return str(script)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A project in which `.venv/bin/sandbox` is this tool, and `.venv/bin/nox` prints what `sessions.json` has."""
    (tmp_path / "sandbox.toml").touch()
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, command in (("sandbox", f'"{sys.executable}" -m sandbox "$@"'), ("nox", "cat sessions.json")):
        (programs / name).write_text(f"#!/bin/sh\n{command}\n")
        (programs / name).chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("results", "code"),
    [(("success", "success"), 0), (("success", "failure"), 1), (("skipped", "success"), 1), (("cancelled",), 1)],
)
def test_only_success_is_success(results: Sequence[str], code: int, tmp_path: Path) -> None:
    """For the required check, too."""
    script = step_of("ci", "required", "Has every job succeeded?")
    needs = {f"job{number}": {"result": result, "outputs": {}} for number, result in enumerate(results)}

    done = shell(script, tmp_path, NEEDS=json.dumps(needs))

    assert done.returncode == code


@pytest.mark.parametrize("artefacts", [1, 2])
def test_reports_of_jobs_become_one(artefacts: int, checkout: Path) -> None:
    """Also of one artefact, which is unpacked without a folder of its own; earlier runs are no part of it."""
    cells = checkout / "temp" / "cells"
    places = [cells] if artefacts == 1 else [cells / "cell-a", cells / "cell-b"]
    for place, cell in zip(places, make_report().cells, strict=False):
        (place / "20260101-000000").mkdir(parents=True)
        store.write(sealed(make_report(cells=(cell,)), ""), place / "20260101-000000")
    earlier = store.new_folder(checkout)
    store.write(sealed(make_report(id=earlier.name), ""), earlier)

    done = shell(step_of("matrix", "report", "merged"), checkout, GROUP="pr")

    assert done.returncode == 0, done.stderr
    folder = checkout / (checkout / "output").read_text().strip().removeprefix("folder=")
    assert [cell.id for cell in store.read(folder).cells] == [PASSED, FAILED][:artefacts]
    assert folder != earlier
    assert (folder / "report.html").exists()


def test_no_report_at_all(checkout: Path) -> None:
    """Is a failure, and a sentence in the summary."""
    done = shell(step_of("matrix", "report", "merged"), checkout, GROUP="pr")

    assert done.returncode == 1
    assert (checkout / "summary").read_text().startswith("No cell of the group pr has left a report")


@pytest.mark.parametrize(
    ("listed", "missing"),
    [([PASSED, FAILED, NOT_RUN], []), ([PASSED, "x", "y"], ["x", "y"]), (None, [])],
)
def test_cells_that_did_not_report(listed: Sequence[str] | None, missing: Sequence[str], checkout: Path) -> None:
    """Stand in the summary, and fail the step; where no cells could be listed another step does."""
    store.write(sealed(make_report(), ""), checkout)
    names = "" if listed is None else json.dumps([f"e2e-{name}" for name in listed])

    done = shell(step_of("matrix", "report", "Cells that did not report"), checkout, FOLDER=".", SESSIONS=names)

    assert done.returncode == (1 if missing else 0), done.stderr
    summary = (checkout / "summary").read_text().splitlines() if missing else [""]
    assert summary == ["", *(f"- not run, without a report: e2e-{name}" for name in missing)]


def test_the_gate_s_verdict_is_in_the_summary(checkout: Path) -> None:
    """Whatever it is; the step that asks fails with the gate."""
    (checkout / "temp").mkdir()
    (checkout / ".venv" / "bin" / "sandbox").write_text("#!/bin/sh\necho 'cells: not in the report' >&2\nexit 1\n")

    asked = shell(step_of("matrix", "report", "The gate"), checkout, POLICY="pr")
    shown = shell(step_of("matrix", "report", "The gate's verdict"), checkout)

    assert (asked.returncode, shown.returncode) == (1, 0)
    assert (checkout / "summary").read_text() == "\n## The gate\n\n~~~text\ncells: not in the report\n~~~\n"


def test_the_sessions_of_a_group(checkout: Path) -> None:
    """As a list for the matrix of jobs; a group without cells is said, for no job at all would be no failure."""
    script = step_of("matrix", "cells", "list")
    (checkout / "sessions.json").write_text(json.dumps([{"session": "e2e-a"}, {"session": "e2e-b"}]))
    assert shell(script, checkout, GROUP="pr").returncode == 0
    assert (checkout / "output").read_text() == 'sessions=["e2e-a","e2e-b"]\n'

    (checkout / "sessions.json").write_text("[]")
    done = shell(script, checkout, GROUP="none")
    assert done.returncode == 1
    assert "matrix.toml has no cell in the group none" in done.stdout


def test_logs_are_one_file(tmp_path: Path) -> None:
    """For their paths have colons, which GitHub refuses; nothing is made where no test has run."""
    archive = tmp_path / "logs.tar.gz"
    command = [REPOSITORY / ".ci" / "collect-logs", archive]
    env = os.environ | {"TMPDIR": str(tmp_path)}
    subprocess.run(command, check=True, env=env)
    assert not archive.exists()

    folder = tmp_path / "pytest-of-me" / "run_id=manual__2026-01-01T00:00:00+00:00"
    folder.mkdir(parents=True)
    (folder / "attempt=1.log").write_text("said")
    (folder / "empty.log").touch()
    subprocess.run(command, check=True, env=env, capture_output=True)

    with tarfile.open(archive) as opened:
        assert [name.rpartition("/")[2] for name in opened.getnames()] == ["attempt=1.log"]
