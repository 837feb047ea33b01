"""The report as Markdown, for a pull request or a job summary: short, with the command that runs a cell again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sandbox.report.history import History
from sandbox.report.model import CellResult, Report, State, TestResult, troubles

SIGNS = {State.PASSED: "✅", State.FAILED: "❌", State.SKIPPED: "⏭️", State.NOT_RUN: "⚪"}
MOST_TROUBLES = 10


def render(report: Report, history: Mapping[str, History]) -> str:
    """The page."""
    tree = "" if report.source.clean else ", with changes"
    lines = [
        "## Test matrix",
        "",
        f"Cells: {report.cell_counts.words}  ",
        f"Tests: {report.test_counts.words}  ",
        f"Revision `{report.source.revision[:12] or 'none'}`{tree}; {report.seconds:.0f} s, {report.jobs} at once",
        "",
        "| | Cell | Passed | Failed | Skipped | Not run | Seconds | |",
        "|---|---|--:|--:|--:|--:|--:|---|",
        *(_row(cell, history.get(cell.id)) for cell in report.cells),
        "",
    ]
    for cell in report.cells:
        if cell.state is not State.PASSED or cell.retried:
            lines += _details(cell)
    return "\n".join(lines)


def _row(cell: CellResult, history: History | None) -> str:
    counts = cell.counts
    numbers = f"{counts.passed} | {counts.failed} | {counts.skipped} | {counts.not_run}" if cell.tests else "| | |"
    remark = "" if cell.state is State.PASSED else f"{cell.state.words}: {cell.reason}"
    remark = "; ".join(part for part in (_inline(remark), history.words if history else "") if part)
    return f"| {SIGNS[cell.state]} | `{cell.id}` | {numbers} | {cell.seconds:.0f} | {remark} |"


def _details(cell: CellResult) -> list[str]:
    lines = [f"<details><summary><code>{cell.id}</code>: {cell.state.words}</summary>", ""]
    lines += _reasons(cell.tests)
    if cell.retried:
        lines += ["In an attempt before:", "", *_reasons(cell.retried)]
    return [*lines, "Again:", "", *_block(cell.rerun), "", "</details>", ""]


def _reasons(tests: Sequence[TestResult]) -> list[str]:
    lines = []
    found = troubles(tests)
    for trouble in found[:MOST_TROUBLES]:
        lines += [f"- {trouble.state.words}: `{test.id}`" for test in trouble.tests]
        lines += ["", *(_block(trouble.message) if trouble.message else ()), ""]
    if len(found) > MOST_TROUBLES:
        lines += [f"… and {len(found) - MOST_TROUBLES} more reasons", ""]
    return lines


def _block(text: str) -> list[str]:
    """A code block that its own text cannot end."""
    fence = "```"
    while fence in text:
        fence += "`"
    return [fence, *text.splitlines(), fence]


def _inline(text: str) -> str:
    """A text in a table's cell: one line, no markup, at most 200 characters."""
    line = " ".join(text.split())
    line = line if len(line) <= 200 else f"{line[:200]}…"
    for sign in "\\`*_|<>[]":
        line = line.replace(sign, f"\\{sign}")
    return line
