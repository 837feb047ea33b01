"""A report that several tests look at."""

from __future__ import annotations

import pytest

from sandbox.report.model import CellResult, Phase, Report, Source, State, TestResult, count

PASSED = "airflow3.0.2-py3.11-process-sail-dbx7.6.0"
FAILED = "airflow3.3.2-py3.12-process-sail-dbx7.23.0"
NOT_RUN = "airflow3.0.2-py3.11-kind-sail-dbx7.6.0"


def axes(cell_id: str) -> dict[str, str]:
    airflow, python, backend, engine, databricks = cell_id.split("-")
    return {
        "airflow": airflow.removeprefix("airflow"),
        "python": python.removeprefix("py"),
        "backend": backend,
        "engine": engine,
        "databricks": databricks.removeprefix("dbx"),
    }


def result(cell_id: str, *tests: TestResult, state: State, reason: str = "", seconds: float = 10.0) -> CellResult:
    """A cell's result with these tests."""
    return CellResult(
        id=cell_id,
        axes=axes(cell_id),
        groups=("pr",),
        purpose="a test",
        state=state,
        reason=reason,
        attempts=1 if tests else 0,
        seconds=seconds if tests else 0.0,
        phases=(Phase(name="set-up", seconds=seconds / 2), Phase(name="tests", seconds=seconds / 2)) if tests else (),
        asked=("tests/cell",),
        tests=tests,
        counts=count(test.state for test in tests),
        rerun=f"sandbox matrix run {cell_id}",
    )


def make_report(**changes: object) -> Report:
    """One cell of each kind."""
    good = TestResult(id="tests/cell/test_a.py::test_good", state=State.PASSED, call_seconds=1.5)
    bad = TestResult(
        id="tests/cell/test_a.py::test_<bad>",
        state=State.FAILED,
        call_seconds=2.0,
        message="AssertionError: 1 & 2",
        details='def test():\n>   assert "</pre><script>"',
    )
    skipped = TestResult(id="tests/cell/test_b.py::test_later", state=State.SKIPPED, message="not yet")
    report = Report(
        id="20260101-000000",
        created="2026-01-01T00:00:00+00:00",
        tool_version="1.2.3",
        selection=("--group pr",),
        source=Source(revision="a" * 40, branch="main", clean=True),
        inputs={"matrix.toml": "1" * 64, "dags": "2" * 64, "lock:tool": "3" * 64},
        machine="2 cores",
        jobs=2,
        seconds=21.0,
        cells=(
            result(PASSED, good, state=State.PASSED),
            result(FAILED, good, bad, skipped, state=State.FAILED, reason=f"{bad.id}: {bad.message}"),
            result(NOT_RUN, state=State.NOT_RUN, reason="docker is not installed"),
        ),
    )
    return report.model_copy(update=changes)


@pytest.fixture
def report() -> Report:
    """The report."""
    return make_report()
