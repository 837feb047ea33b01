"""What the recorder writes, read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sandbox.matrix.events import Progress
from sandbox.report.model import State


def write(file: Path, *events: dict[str, Any]) -> None:
    with file.open("a") as opened:
        opened.writelines(json.dumps({"at": 1.0} | event) + "\n" for event in events)


def phase(test: str, when: str, outcome: str = "passed", **more: Any) -> dict[str, Any]:
    return {"event": "phase", "test": test, "when": when, "outcome": outcome, "seconds": 1.0, **more}


def test_progress_grows(tmp_path: Path) -> None:
    """A half-written line waits for its rest."""
    file = tmp_path / "events.jsonl"
    progress = Progress(file=file)
    assert progress.read().tests == {}

    write(file, {"event": "collected", "tests": ["a", "b"]}, {"event": "started", "test": "a"})
    with file.open("a") as opened:
        opened.write('{"event": "fini')
    assert (progress.read().running, progress.done, len(progress.tests)) == ("a", 0, 2)
    with file.open("a") as opened:
        opened.write('shed", "at": 2.0, "test": "a"}\n')

    assert (progress.read().running, progress.done) == ("", 1)


def test_results(tmp_path: Path) -> None:
    """A failing tear-down fails, a begun test that never ended was not run."""
    file = tmp_path / "events.jsonl"
    failed = {"details": "trace", "message": "boom", "output": "said"}
    write(
        file,
        {"event": "collected", "tests": ["good", "torn", "skipped", "broken", "hanging", "never"]},
        *(phase("good", when) for when in ("setup", "call", "teardown")),
        {"event": "finished", "test": "good"},
        phase("torn", "call"),
        phase("torn", "teardown", "failed", **failed),
        {"event": "finished", "test": "torn"},
        phase("skipped", "setup", "skipped", details="", message="no docker"),
        {"event": "finished", "test": "skipped"},
        phase("broken", "call", "failed", **failed),
        {"event": "finished", "test": "broken"},
        {"event": "started", "test": "hanging"},
        phase("hanging", "setup"),
    )

    results = {test.id: test for test in Progress(file=file).read().results()}

    assert [test.state for test in results.values()] == [
        State.PASSED,
        State.FAILED,
        State.SKIPPED,
        State.FAILED,
        State.NOT_RUN,
        State.NOT_RUN,
    ]
    assert results["good"].seconds == 3.0
    assert results["torn"].message == "in its teardown: boom"
    assert results["skipped"].message == "no docker"
    assert (results["broken"].message, results["broken"].details, results["broken"].output) == ("boom", "trace", "said")


def test_a_file_that_cannot_be_collected_is_a_failure(tmp_path: Path) -> None:
    """It stands among the tests under its own name."""
    file = tmp_path / "events.jsonl"
    write(file, {"event": "collecting", "test": "test_x.py", "outcome": "failed", "details": "x\nSyntaxError: no"})

    (result,) = Progress(file=file).read().results()

    assert (result.id, result.state, result.message) == ("test_x.py", State.FAILED, "SyntaxError: no")
