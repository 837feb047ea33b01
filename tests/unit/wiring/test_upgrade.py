"""What another Airflow row would break, from reports of both rows and from Ruff's answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sandbox.errors import ConfigurationError
from sandbox.wiring.dag_import import ImportReport
from sandbox.wiring.upgrade import airflow_version, compare, row_spec, ruff_findings


def report(*dags: dict[str, Any], errors: tuple[Any, ...] = (), warnings: tuple[Any, ...] = ()) -> ImportReport:
    """An import report of these DAGs."""
    return ImportReport(seconds=1, warm=False, dags=dags, import_errors=errors, warnings=warnings)


def dag(dag_id: str, **changes: Any) -> dict[str, Any]:
    """A DAG as the import reports it."""
    return {
        "dag_id": dag_id,
        "file": f"/d/{dag_id}.py",
        "tasks": ["t"],
        "schedule": "@daily",
        "outlets": [],
        "schedule_assets": [],
    } | changes


def test_the_same_on_both_rows_is_nothing() -> None:
    """No difference, no finding."""
    assert list(compare(report(dag("a")), report(dag("a")), "row")) == []


def test_an_import_error_of_the_row() -> None:
    """It is named by its line; that the DAG is missing as well goes without saying."""
    error = {"file": "/d/a.py", "line": 3, "message": "ImportError: gone", "traceback": ""}

    (found,) = compare(report(dag("a")), report(errors=(error,)), "row")

    assert (found.rule, str(found.severity), found.place.line) == ("row-imports", "error", 3)


def test_dags_that_are_missing_or_other() -> None:
    """By name, with what differs."""
    asset = {"kind": "asset", "name": "x", "uri": "x://x", "watched": False}
    before = report(dag("a"), dag("b"), dag("c", schedule_assets=[asset]))
    after = report(dag("a", tasks=["t", "u"], schedule="Cron"), dag("c"))

    found = list(compare(before, after, "row"))

    assert [(finding.rule, finding.place.file.name) for finding in found] == [
        ("row-dags", "a.py"),
        ("row-dags", "b.py"),
        ("row-dags", "c.py"),
    ]


def test_only_new_warnings_count() -> None:
    """What the present row says too is no news; the line may differ."""
    old = {"file": "/d/a.py:1", "message": "old"}
    new = {"file": "/d/a.py:7", "message": "new"}

    (found,) = compare(report(warnings=(old,)), report(warnings=(old | {"file": "/d/a.py:2"}, new)), "row")

    assert (found.rule, str(found.severity), found.place.line) == ("row-deprecated", "warning", 7)


def test_ruff_s_answer() -> None:
    """What is removed is an error; names of Airflow 3.1 are no advice for 3.0."""
    items: list[Mapping[str, Any]] = [
        {"code": code, "filename": "/d/a.py", "location": {"row": 2}, "message": "m", "url": "u", "fix": None}
        for code in ("AIR301", "AIR311", "AIR321")
    ]

    assert [(item.rule, str(item.severity)) for item in ruff_findings(items, (3, 0, 2))] == [
        ("AIR301", "error"),
        ("AIR311", "warning"),
    ]
    assert [item.rule for item in ruff_findings(items, (3, 3, 2))] == ["AIR301", "AIR311", "AIR321"]


@pytest.mark.parametrize("text", ["3.3.2-py3.12", "airflow-3.3.2-py3.12"])
def test_rows_by_either_name(text: str) -> None:
    """As the runtime is called, or without its beginning."""
    spec = row_spec(text)

    assert (spec.name, airflow_version(spec)) == ("airflow-3.3.2-py3.12", (3, 3, 2))


@pytest.mark.parametrize("text", ["postgres", "3.3.2"])
def test_what_is_no_row_is_refused(text: str) -> None:
    """A runtime of something else, or half of a row."""
    with pytest.raises(ConfigurationError):
        row_spec(text)
