"""What the recorder wrote, read back: while the cell runs as progress, afterwards as test results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.report.model import State, TestResult, plain, shortened

DETAIL_CHARACTERS = 12_000
MESSAGE_CHARACTERS = 1600


@dataclass(kw_only=True)
class _Test:
    seconds: dict[str, float] = field(default_factory=dict)
    state: State = State.NOT_RUN
    message: str = ""
    details: str = ""
    output: str = ""


@dataclass(kw_only=True)
class Progress:
    """Where a cell is; grows by `read`, which may be called again and again."""

    file: Path
    position: int = 0
    running: str = ""
    ended: int | None = None
    first_test_at: float | None = None
    last_test_at: float | None = None
    fixtures: dict[str, float] = field(default_factory=dict)
    """How long the fixtures that all tests share took to set up."""
    tests: dict[str, _Test] = field(default_factory=dict)

    def read(self) -> Progress:
        """Take in what was written since the last time."""
        for event in self._new_events():
            self._take(event)
        return self

    @property
    def done(self) -> int:
        """How many tests have ended."""
        return sum(test.state is not State.NOT_RUN for test in self.tests.values())

    def _new_events(self) -> Iterator[dict[str, Any]]:
        try:
            with self.file.open("rb") as opened:
                opened.seek(self.position)
                for line in opened:
                    if not line.endswith(b"\n"):
                        return  # the rest of it comes later
                    self.position += len(line)
                    yield json.loads(line)
        except FileNotFoundError:
            return

    def _take(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "collected":
                for name in event["tests"]:
                    self.tests.setdefault(name, _Test())
            case "collecting":
                state = State.SKIPPED if event["outcome"] == "skipped" else State.FAILED
                lines = event["details"].strip().splitlines()
                message = lines[-1] if lines else "could not be collected"
                self.tests[event["test"]] = _Test(state=state, message=message, details=event["details"])
            case "fixture":
                self.fixtures[event["name"]] = event["seconds"]
            case "started":
                self.running = event["test"]
                self.first_test_at = self.first_test_at or event["at"]
            case "phase":
                self._phase(self.tests.setdefault(event["test"], _Test()), event)
                self.last_test_at = event["at"]
            case "finished":
                self.running = ""
                test = self.tests[event["test"]]
                if test.state is State.NOT_RUN:
                    test.state = State.PASSED
            case "ended":
                self.ended = event["exit"]

    @staticmethod
    def _phase(test: _Test, event: dict[str, Any]) -> None:
        test.seconds[event["when"]] = event["seconds"]
        if event["outcome"] == "passed":
            return
        if event["outcome"] == "failed":
            when = "" if event["when"] == "call" else f"in its {event['when']}: "
            test.state = State.FAILED
            test.message = test.message or when + event["message"]
        elif test.state is not State.FAILED:
            test.state = State.SKIPPED
            test.message = event["message"]
        test.details = "\n".join(part for part in (test.details, event["details"]) if part)
        test.output = event.get("output", "") or test.output

    def results(self) -> tuple[TestResult, ...]:
        """The tests in the order in which they were collected; one that was begun and never ended was not run."""
        return tuple(
            TestResult(
                id=name,
                state=test.state,
                setup_seconds=round(test.seconds.get("setup", 0.0), 3),
                call_seconds=round(test.seconds.get("call", 0.0), 3),
                teardown_seconds=round(test.seconds.get("teardown", 0.0), 3),
                message=plain(shortened(test.message, MESSAGE_CHARACTERS)),
                details=plain(shortened(test.details, DETAIL_CHARACTERS)),
                output=plain(shortened(test.output, DETAIL_CHARACTERS)),
            )
            for name, test in self.tests.items()
        )
