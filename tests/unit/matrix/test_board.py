"""What one sees of the cells while they run, and afterwards."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from rich.console import Console

from sandbox.matrix.board import Board, explain
from sandbox.matrix.cell import Cell
from sandbox.matrix.events import Progress
from sandbox.matrix.runner import Job, Running
from sandbox.report.model import CellResult, State, TestResult
from tests.unit.report.conftest import FAILED, NOT_RUN, PASSED, result


def running(folder: Path, cell_id: str) -> Running:
    job = Job(
        cell=Cell(id=cell_id, purpose="a test"), project=folder, folder=folder, tests=(), limit_seconds=1, settings={}
    )
    events: list[dict[str, Any]] = [
        {"event": "collected", "tests": ["tests/a.py::test_a", "tests/a.py::test_b"]},
        {"event": "started", "test": "tests/a.py::test_a"},
    ]
    (folder / "events.jsonl").write_text("".join(json.dumps({"at": 1.0} | event) + "\n" for event in events))
    return Running(job=job, progress=Progress(file=folder / "events.jsonl"))


def shown(board: Board) -> str:
    output = io.StringIO()
    Console(file=output, width=160).print(board.table())
    return output.getvalue()


def passed(cell_id: str) -> CellResult:
    return result(cell_id, TestResult(id="t", state=State.PASSED), state=State.PASSED)


def test_the_live_table(tmp_path: Path) -> None:
    """Each cell that has no result yet: how far it is and what it is at, or that it waits."""
    console = Console(file=io.StringIO(), force_terminal=True, width=160)
    with Board([PASSED, FAILED], console).opened() as board:
        board.begins(running(tmp_path, PASSED))
        first = shown(board)
        board.ends(passed(PASSED))
        second = shown(board)

    assert [line.split()[0] for line in first.splitlines()[1:]] == [PASSED, FAILED]
    assert "0/2" in first
    assert "a.py::test_a" in first
    assert "waits" in first
    assert PASSED not in second


def test_lines_where_there_is_no_terminal(tmp_path: Path) -> None:
    """One when a cell starts, one with its four numbers when it has ended; none when they are not wanted."""
    loud, quiet = (Console(file=io.StringIO(), width=200) for _ in range(2))
    for console, silence in ((loud, False), (quiet, True)):
        with Board([PASSED], console, quiet=silence).opened() as board:
            board.begins(running(tmp_path, PASSED))
            board.ends(passed(PASSED))

    assert isinstance(loud.file, io.StringIO)
    first, second = loud.file.getvalue().splitlines()
    assert first.strip() == f"{PASSED}: starts"
    assert second.split()[:3] == ["✓", PASSED, "passed"]
    assert "1 passed, 0 failed, 0 skipped, 0 not run" in second
    assert isinstance(quiet.file, io.StringIO)
    assert quiet.file.getvalue() == ""


def test_every_cell_that_did_not_pass_can_be_run_again() -> None:
    """By one command, below what went wrong; a reason that several tests share is said once."""
    bad = [TestResult(id=f"t{number}", state=State.FAILED, message="boom") for number in range(2)]
    cells = [
        passed(PASSED),
        result(FAILED, *bad, state=State.FAILED, reason="t0: boom"),
        result(NOT_RUN, state=State.NOT_RUN, reason="docker is not installed"),
    ]

    told = explain(cells, lambda text: f"<{text}>")

    assert told.splitlines() == [
        f"{FAILED}: failed",
        "  failed: t0",
        "  failed: t1",
        "    boom",
        f"  again: <sandbox matrix run {FAILED}>",
        f"{NOT_RUN}: not run",
        "  docker is not installed",
        f"  again: <sandbox matrix run {NOT_RUN}>",
    ]
