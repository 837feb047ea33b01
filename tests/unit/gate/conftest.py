"""A report that the gate accepts, and the facts that it is held against."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.gate.checks import Question
from sandbox.gate.facts import Facts
from sandbox.matrix.model import Policy, load
from sandbox.report.integrity import sealed
from sandbox.report.model import File, Report, RuntimeUsed, Source, State, TestResult
from tests.unit.report.conftest import PASSED, result

INPUTS = {"matrix.toml": "1" * 64, "dags": "2" * 64, "lock:airflow-3.0.2-py3.11": "3" * 64}
MATRIX = f"""
schema = 1

[groups]
release = "all"

[policy.release]
groups = ["release"]

[[cell]]
id = "{PASSED}"
purpose = "production"
groups = ["release"]
"""


def make_report(*tests: TestResult, state: State = State.PASSED, **changes: Any) -> Report:
    """A sealed report of one cell."""
    tests = tests or (TestResult(id="tests/cell/a.py::test_a", state=State.PASSED),)
    cell = result(PASSED, *tests, state=state).model_copy(
        update={
            "runtimes": (RuntimeUsed(name="airflow-3.0.2-py3.11", key="k", lock_sha256="3" * 64),),
            "files": (File(path="x/events.jsonl", sha256="4" * 64, size_bytes=1, kind="record"),),
        }
    )
    report = Report(
        id="1",
        created="2026-01-01T00:00:00+00:00",
        tool_version="1.2.3",
        source=Source(revision="a" * 40, branch="main", clean=True),
        inputs=INPUTS,
        cells=(cell.model_copy(update=changes.pop("cell", {})),),
    )
    return sealed(report.model_copy(update=changes), "")


def make_facts(**changes: object) -> Facts:
    """Things as they were when the report was made, an hour later."""
    values: dict[str, object] = {
        "source": Source(revision="a" * 40, branch="main", clean=True),
        "inputs": INPUTS,
        "images": {},
        "files": {"x/events.jsonl": "4" * 64},
        "now": datetime(2026, 1, 1, 1, tzinfo=UTC),
        "key": "",
    }
    return Facts(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture
def question(tmp_path: Path) -> Question:
    """The question whose answer is yes."""
    file = tmp_path / "matrix.toml"
    file.write_text(MATRIX)
    return Question(report=make_report(), facts=make_facts(), matrix=load(file), policy=Policy(groups=("release",)))
