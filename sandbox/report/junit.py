"""The report as JUnit XML, which CI systems read: one suite per cell."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from sandbox.report.model import CellResult, Report, State, TestResult

_ILLEGAL = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd]")
"""What XML 1.0 cannot hold, not even escaped."""


def render(report: Report) -> str:
    """The document. JUnit has three numbers: what was not run is written as an error, never as skipped."""
    root = ET.Element("testsuites", name="matrix", time=f"{report.seconds:.2f}")
    for cell in report.cells:
        _suite(root, cell)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(root: ET.Element, cell: CellResult) -> None:
    tests = cell.tests or (TestResult(id="the cell", state=cell.state, message=cell.reason),)
    if cell.state is not State.PASSED and all(test.state is State.PASSED for test in tests):
        # what went wrong is no test's: pytest was killed, its sandbox could not be removed
        tests = (*tests, TestResult(id="the cell", state=cell.state, message=cell.reason))
    states = [test.state for test in tests]
    suite = ET.SubElement(
        root,
        "testsuite",
        name=cell.id,
        tests=str(len(tests)),
        failures=str(states.count(State.FAILED)),
        skipped=str(states.count(State.SKIPPED)),
        errors=str(states.count(State.NOT_RUN)),
        time=f"{cell.seconds:.2f}",
        timestamp=cell.started,
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (("state", cell.state.value), ("reason", cell.reason), ("rerun", cell.rerun)):
        ET.SubElement(properties, "property", name=name, value=_legal(value))
    for test in tests:
        _case(suite, cell, test)


def _case(suite: ET.Element, cell: CellResult, test: TestResult) -> None:
    file, _, name = test.id.partition("::")
    case = ET.SubElement(
        suite, "testcase", classname=f"{cell.id}.{file}", name=name or file, time=f"{test.seconds:.3f}"
    )
    match test.state:
        case State.FAILED:
            ET.SubElement(case, "failure", message=_legal(test.message)).text = _legal(test.details)
        case State.SKIPPED:
            ET.SubElement(case, "skipped", message=_legal(test.message))
        case State.NOT_RUN:
            ET.SubElement(case, "error", message=_legal(f"not run: {test.message or cell.reason}"))
    if test.output:
        ET.SubElement(case, "system-out").text = _legal(test.output)


def _legal(text: str) -> str:
    return _ILLEGAL.sub("?", text)
