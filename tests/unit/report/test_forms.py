"""The report in its forms: nothing is lost, nothing breaks out of its place."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sandbox.report import html, junit, markdown
from sandbox.report.history import of_report
from sandbox.report.model import File, Report, State, TestResult, troubles
from tests.unit.report.conftest import FAILED, NOT_RUN, PASSED, make_report, result


def test_junit_has_a_suite_per_cell(report: Report) -> None:
    """With the numbers that JUnit knows; what was not run is an error, not a skip."""
    suites = {suite.attrib["name"]: suite for suite in ET.fromstring(junit.render(report))}

    numbers = {
        name: [suite.attrib[key] for key in ("tests", "failures", "skipped", "errors")]
        for name, suite in suites.items()
    }
    assert numbers == {
        PASSED: ["1", "0", "0", "0"],
        FAILED: ["3", "1", "1", "0"],
        NOT_RUN: ["1", "0", "0", "1"],
    }
    error = suites[NOT_RUN].find("testcase/error")
    assert error is not None
    assert error.attrib["message"] == "not run: docker is not installed"


def test_junit_of_a_cell_that_no_test_failed() -> None:
    """Its red is a failure of its own: who reads JUnit alone sees it."""
    good = TestResult(id="a.py::b", state=State.PASSED)
    cell = result(PASSED, good, state=State.FAILED, reason="pytest was killed by signal 9")

    (suite,) = ET.fromstring(junit.render(make_report(cells=(cell,))))

    assert [suite.attrib[key] for key in ("tests", "failures")] == ["2", "1"]
    assert [case.attrib["message"] for case in suite.findall("testcase/failure")] == ["pytest was killed by signal 9"]


def test_what_failed_before_it_passed(tmp_path: Path) -> None:
    """Is in the pages, though the cell is green."""
    before = TestResult(id="a.py::shaky", state=State.FAILED, message="OSError: port taken")
    cell = result(PASSED, TestResult(id="a.py::shaky", state=State.PASSED), state=State.PASSED)
    report = make_report(cells=(cell.model_copy(update={"flaky": True, "attempts": 2, "retried": (before,)}),))

    for page in (markdown.render(report, {}), html.render(report, {}, tmp_path)):
        assert "In an attempt before" in page
        assert "OSError: port taken" in page


def test_junit_survives_what_xml_cannot_hold() -> None:
    """Control characters of a test's output."""
    broken = TestResult(id="a.py::b", state=State.FAILED, message="\x00\x1b[0m", output="\x07bell")
    report = make_report(cells=(result(PASSED, broken, state=State.FAILED),))

    assert ET.fromstring(junit.render(report)).find(".//failure") is not None


def test_markdown(report: Report) -> None:
    """The four numbers, a row per cell, the failures with the command that runs the cell again."""
    page = markdown.render(report, {})

    assert "Cells: 1 passed, 1 failed, 0 skipped, 1 not run" in page
    assert f"| ✅ | `{PASSED}` | 1 | 0 | 0 | 0 | 10 |  |" in page
    assert f"sandbox matrix run {FAILED}" in page
    assert "docker is not installed" in page
    assert page.count("<details>") == page.count("</details>") == 2


def test_markdown_cannot_be_broken_out_of() -> None:
    """A message with a fence and with pipes."""
    bad = TestResult(id="a.py::b", state=State.FAILED, message="```\n| x |\n# title")
    page = markdown.render(make_report(cells=(result(FAILED, bad, state=State.FAILED, reason="a | b <script>"),)), {})

    assert "````\n```\n| x |\n# title\n````" in page
    assert "a \\| b \\<script\\>" in page


def test_the_page_is_one_file(report: Report, tmp_path: Path) -> None:
    """No script, no address of another place, and what tests print is text."""
    page = html.render(report, of_report(report, []), tmp_path)

    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not [line for line in page.splitlines() if "http" in line and ("src=" in line or "href=" in line)]
    assert all(f'id="cell-{cell.id}"' in page for cell in report.cells)
    assert page.count('class="tile g-') == 3
    tile = page[page.index(f'href="#cell-{FAILED}"') :]
    numbers = re.sub(r"<[^>]+>", "", tile[: tile.index("</a>")])
    assert "1 passed, 1 failed, 1 skipped, 0 not run" in numbers


def test_the_page_says_which_tests_got_slower_or_flaky(tmp_path: Path) -> None:
    """By name, not only that the cell did."""
    before = [past(number, State.PASSED) for number in range(3)]
    now = past(9, State.PASSED, 30.0)

    page = html.render(now, of_report(now, before), tmp_path)

    assert '<span class="mono">t</span> <span class="c-skipped">slower: 30 s instead of 10 s</span>' in page


def test_the_page_shows_logs_and_notebooks_of_failures(report: Report, tmp_path: Path) -> None:
    """The failing notebook cell stands open, with what it printed."""
    (tmp_path / "airflow.log").write_text("a line of the log\n")
    error = {"output_type": "error", "traceback": ["ZeroDivisionError: division by zero"]}
    cell = {"cell_type": "code", "source": ["1 / 0"], "outputs": [{"output_type": "stream", "text": "hello"}, error]}
    (tmp_path / "executed.ipynb").write_text(json.dumps({"cells": [cell]}))
    (tmp_path / "cut.ipynb").write_text('{"cells": [')
    files = tuple(
        File(path=name, sha256="0", size_bytes=1, kind=kind, title=name)
        for name, kind in (("airflow.log", "log"), ("executed.ipynb", "notebook"), ("cut.ipynb", "notebook"))
    )
    cells = tuple(each.model_copy(update={"files": files}) if each.id == FAILED else each for each in report.cells)

    page = html.render(report.model_copy(update={"cells": cells}), {}, tmp_path)

    assert "a line of the log" in page
    assert "ZeroDivisionError: division by zero" in page
    assert "hello" in page


def test_each_reason_once() -> None:
    """Tests that failed for one reason stand together; its headline has the root of it."""
    message = "TestsFailed: the chain failed\n  notebook\n  ZeroDivisionError: division by zero\nnext: look"
    tests = [TestResult(id=str(number), state=State.FAILED, message=message) for number in range(3)]
    (trouble,) = troubles(tests)

    assert [test.id for test in trouble.tests] == ["0", "1", "2"]
    assert trouble.headline == "TestsFailed: the chain failed … ZeroDivisionError: division by zero"


def past(number: int, state: State, seconds: float = 10.0, *, revision: str = "a", clean: bool = True) -> Report:
    test = TestResult(id="t", state=state, call_seconds=seconds)
    report = make_report(
        id=str(number),
        created=f"2026-01-01T00:00:{number:02}+00:00",
        cells=(result(PASSED, test, state=state, seconds=seconds),),
    )
    return report.model_copy(update={"source": report.source.model_copy(update={"revision": revision, "clean": clean})})


@pytest.mark.parametrize(
    ("seconds", "earlier", "slower"),
    [(20.0, [10, 10, 11], True), (12.0, [10, 10, 11], False), (20.0, [10, 10], False), (20.0, [19, 10, 19], False)],
)
def test_slower(seconds: float, earlier: list[float], slower: bool) -> None:
    """Than the median of at least three runs that passed, by a quarter and five seconds."""
    now = past(9, State.PASSED, seconds, revision="now")
    before = [past(number, State.PASSED, each) for number, each in enumerate(earlier)]

    history = of_report(now, before)[PASSED]

    assert history.slower is slower
    assert history.tests == ({"t": "slower: 20 s instead of 10 s"} if slower else {})


@pytest.mark.parametrize(("clean", "revision", "flaky"), [(True, "a", True), (True, "b", False), (False, "a", False)])
def test_flaky(clean: bool, revision: str, flaky: bool) -> None:
    """Passed and failed on one clean revision."""
    found = of_report(past(2, State.PASSED, clean=clean), [past(1, State.FAILED, revision=revision, clean=clean)])

    assert found[PASSED].flaky is flaky
    assert found[PASSED].tests == ({"t": "flaky: passed and failed on the same sources"} if flaky else {})
    assert [run.state for run in found[PASSED].runs] == [State.FAILED, State.PASSED]
