"""`sandbox matrix list`, `report` and `gate` on a project with a report, from the command line to the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.artefacts import decisive
from sandbox.cli.main import run
from sandbox.config import load as load_config
from sandbox.report import source, store
from sandbox.report.integrity import of_file, sealed
from sandbox.report.model import File, Report, RuntimeUsed, State, TestResult
from sandbox.runtimes.tool_env import MARKER
from tests.git import git
from tests.unit.gate.conftest import MATRIX
from tests.unit.report.conftest import PASSED, result


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit and a matrix of one cell."""
    for name, text in (("sandbox.toml", ""), ("matrix.toml", MATRIX), (".gitignore", "/.sandbox/\n")):
        (tmp_path / name).write_text(text)
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "a.py").write_text("1")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "one")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def folder(project: Path) -> Path:
    """The folder of a report that the gate accepts."""
    folder = store.new_folder(project)
    (folder / PASSED).mkdir()
    record = folder / PASSED / "events.jsonl"
    record.write_text("{}\n")
    inputs = source.digests(decisive(load_config(project, {}).config, project))
    cell = result(PASSED, TestResult(id="tests/a.py::test_a", state=State.PASSED), state=State.PASSED)
    runtime = RuntimeUsed(name="airflow-3.0.2-py3.11", key="k", lock_sha256=inputs["lock:airflow-3.0.2-py3.11"])
    file = File(path=f"{PASSED}/events.jsonl", sha256=of_file(record), size_bytes=3, kind="record")
    report = Report(
        id=folder.name,
        created="2026-01-01T00:00:00+00:00",
        tool_version="0",
        source=source.look(project),
        inputs=inputs,
        cells=(cell.model_copy(update={"runtimes": (runtime,), "files": (file,)}),),
    )
    store.write(sealed(report, ""), folder)
    return folder


@pytest.mark.parametrize(
    ("checkout", "marked", "next_command"),
    [
        ("here", True, "next: make dev\n"),
        ("elsewhere", True, "next: make -C {} dev\n"),
        ("here", False, "-m uv pip install --python"),
    ],
    ids=["this checkout", "another checkout", "no checkout"],
)
def test_without_pytest(
    project: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    checkout: str,
    marked: bool,
    next_command: str,
) -> None:
    """A checkout of the tool installs it from its lock; any other environment as a package."""
    folder = project if checkout == "here" else tmp_path_factory.mktemp("checkout")
    (folder / ".venv").mkdir()
    if marked:
        (folder / ".venv" / MARKER).write_text("{}")
    monkeypatch.setattr("sys.prefix", str(folder / ".venv"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    assert run(["matrix", "run"]) == 4

    told = capsys.readouterr().err
    assert "pytest is not installed beside the tool" in told
    assert next_command.format(folder) in told


def test_list(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The cell with its axes and what keeps this machine from running it."""
    assert run(["matrix", "list", "--json"]) == 0

    (cell,) = json.loads(capsys.readouterr().out)["cells"]
    assert (cell["id"], cell["airflow"], cell["backend"], cell["obstacle"]) == (PASSED, "3.0.2", "process", "")


def test_an_unknown_group(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Is a mistake of usage."""
    assert run(["matrix", "run", "--group", "nightly"]) == 2
    assert "there is no group nightly" in capsys.readouterr().err


def test_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table with four numbers, and three files beside the JSON."""
    assert run(["report"]) == 0

    assert "cells: 1 passed, 0 failed, 0 skipped, 0 not run" in capsys.readouterr().out
    assert {path.name for path in folder.iterdir() if path.is_file()} == {
        "report.json",
        "report.html",
        "report.md",
        "junit.xml",
    }


def test_report_as_markdown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On standard output, and nothing else."""
    assert run(["report", "--form", "markdown"]) == 0
    assert capsys.readouterr().out.startswith("## Test matrix\n")


def test_a_report_of_another_machine(folder: Path, project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Becomes the newest one of this project, with its files, and the gate takes it."""
    elsewhere = tmp_path_factory.mktemp("artefact") / "run"
    folder.rename(elsewhere)

    assert run(["report", str(elsewhere)]) == 0
    assert (store.latest(project) / PASSED / "events.jsonl").is_file()
    assert run(["gate"]) == 0


def test_the_gate_says_yes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the evidence beside the report."""
    assert run(["gate"]) == 0

    evidence = json.loads((folder / "evidence.intoto.json").read_text())
    assert evidence["predicate"]["result"] == "PASSED"
    assert "the gate says yes" in capsys.readouterr().out


def test_the_gate_says_no(folder: Path, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After an edit of a DAG: the tree is not clean, the artefact is another, and old evidence is gone."""
    assert run(["gate"]) == 0
    (project / "dags" / "a.py").write_text("2")

    assert run(["gate"]) == 1

    said = capsys.readouterr().err
    assert "the gate says no: 2 of 10 checks" in said
    assert "revision: the tree has changes now: dags/a.py" in said
    assert "inputs: dags has changed" in said
    assert not (folder / "evidence.intoto.json").exists()


def test_the_gate_does_not_believe_an_edited_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever was edited."""
    file = folder / "report.json"
    file.write_text(file.read_text().replace('"tool_version": "0"', '"tool_version": "1"'))

    assert run(["gate"]) == 1
    assert "integrity: it was changed after it was written" in capsys.readouterr().err


def test_the_gate_in_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One object, also when it says no."""
    (folder / PASSED / "events.jsonl").unlink()

    assert run(["gate", "--json"]) == 1

    value = json.loads(capsys.readouterr().out)
    assert (value["schema"], value["passed"], value["evidence"]) == (1, False, None)
    assert [finding["check"] for finding in value["findings"] if not finding["ok"]] == ["files"]


def test_an_unknown_policy(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With those that there are."""
    assert run(["gate", "--policy", "weekly"]) == 2
    assert "matrix.toml has: release" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["gate", "report"])
def test_the_named_file_is_read(folder: Path, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Not the report beside it."""
    (folder / "other.json").write_text('{"not": "a report"}')

    assert run([verb, str(folder / "other.json")]) == 2
    assert "other.json is a report of another form" in capsys.readouterr().err
    assert run([verb, str(folder / "gone.json")]) == 2
    assert "there is no report" in capsys.readouterr().err
    assert run([verb, str(folder / "report.json")]) == 0


def test_evidence_overwrites_evidence_only(folder: Path, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of somebody's is not deleted, whatever the verdict."""
    precious = project / ".sandbox" / "precious.txt"
    precious.write_text("precious")

    assert run(["gate", "--evidence", str(precious)]) == 2
    assert "precious.txt is no evidence" in capsys.readouterr().err
    assert precious.read_text() == "precious"
    assert run(["gate", "--evidence", "dags"]) == 2
    assert run(["gate", "--evidence", "gone/evidence.json"]) == 2
    assert "there is no folder gone" in capsys.readouterr().err
    for _ in range(2):
        assert run(["gate", "--evidence", ".sandbox/evidence.json"]) == 0


def test_a_subset_of_tests_is_no_pass(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A green run of one file does not say that the cell is green."""
    report = store.read(folder)
    cell = report.cells[0].model_copy(update={"asked": ("tests/cell/test_a.py",)})
    store.write(sealed(report.model_copy(update={"cells": (cell,)}), ""), folder)

    assert run(["gate"]) == 1
    assert "ran tests/cell/test_a.py instead of tests/cell" in capsys.readouterr().err


def test_merged_reports_do_not_pile_up(folder: Path, project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """As those of runs: the oldest go, what was merged from elsewhere stays where it is."""
    place = tmp_path_factory.mktemp("job")
    report = store.write(store.read(folder), place)

    for _ in range(store.RUNS_KEPT + 2):
        assert run(["report", str(place)]) == 0

    assert len(store.finished(project)) == store.RUNS_KEPT
    assert report.exists()
