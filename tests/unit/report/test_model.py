"""Four numbers everywhere, and what makes a cell passed."""

from __future__ import annotations

import json

import pytest

from sandbox.report.model import SCHEMA, Report, State, TestResult, json_schema, plain, shortened, state_of
from tests.driver import REPOSITORY


def test_the_four_numbers(report: Report) -> None:
    """Of the cells and of the tests, never added up to two."""
    assert report.cell_counts.words == "1 passed, 1 failed, 0 skipped, 1 not run"
    assert report.test_counts.words == "2 passed, 1 failed, 1 skipped, 0 not run"
    assert report.test_counts.total == 4


@pytest.mark.parametrize(
    ("states", "problem", "expected"),
    [
        (["passed", "passed"], "", "passed"),
        (["passed", "skipped"], "", "skipped"),
        (["passed", "skipped", "not_run"], "", "not_run"),
        (["passed", "failed", "not_run"], "", "failed"),
        (["passed"], "pytest ended with 3", "failed"),
        ([], "", "failed"),
    ],
)
def test_a_cell_is_passed_when_every_test_is(states: list[str], problem: str, expected: str) -> None:
    """And when there was one, and pytest itself was content."""
    tests = [TestResult(id=str(number), state=State(state)) for number, state in enumerate(states)]

    assert state_of(tests, problem=problem) == State(expected)


def test_long_texts_keep_their_ends() -> None:
    """The end matters more than the beginning."""
    text = shortened("a" * 500 + "z" * 500, 100)

    assert text.startswith("a" * 25)
    assert text.endswith("z" * 75)
    assert "900 characters left out" in text


def test_no_escape_sequences() -> None:
    """What a terminal would draw."""
    assert plain("\x1b[1;31mred\x1b[0m") == "red"
    assert plain("\x1b]0;a title\x07a \x1b]8;;file:///x\x1b\\link\x1b]8;;\x1b\\") == "a link"


def test_the_form_is_the_documented_one() -> None:
    """A change of the form gets a new SCHEMA and a file of its own, written by `sandbox report --schema`."""
    documented = json.loads((REPOSITORY / "docs" / f"report-{SCHEMA}.schema.json").read_text("utf-8"))

    assert json_schema() == documented
    assert documented["properties"]["schema"]["const"] == SCHEMA
