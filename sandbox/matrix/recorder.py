"""A pytest plugin that writes what happens, as it happens: `-p sandbox.matrix.recorder --cell-events FILE`.

Separate from pytest's own reports because those are written at the end: a cell that is killed must still tell which
tests had passed, and which were never run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from pathlib import Path
from typing import IO, Any

import pytest

SECTION_CHARACTERS = 20_000
PLUGIN = "sandbox-cell-recorder"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The plugin's option."""
    parser.addoption("--cell-events", metavar="FILE", type=Path, help="Write what happens to this file, as JSON lines.")


def pytest_configure(config: pytest.Config) -> None:
    """Record, when there is a file to write to; only in the process that reports (not in xdist's workers)."""
    file = config.getoption("--cell-events")
    if file is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(file.open("a", encoding="utf-8")), PLUGIN)


class Recorder:
    """Writes events to an open file."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def _write(self, event: str, **values: Any) -> None:
        self._file.write(json.dumps({"event": event, "at": time.time(), **values}) + "\n")
        self._file.flush()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """All tests are known."""
        self._write("collected", tests=[item.nodeid for item in session.items])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file could not be collected, or wants to be skipped as a whole."""
        if report.outcome != "passed":
            self._write("collecting", test=report.nodeid, outcome=report.outcome, details=_text(report.longrepr))

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
        """A fixture that all tests share is set up, after those that it needs."""
        begun = time.monotonic()
        try:
            return (yield)
        finally:
            if fixturedef.scope == "session":
                self._write("fixture", name=fixturedef.argname, seconds=time.monotonic() - begun)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        self._write("started", test=nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test's set-up, call or tear-down has ended."""
        values: dict[str, Any] = {"test": report.nodeid, "when": report.when, "seconds": report.duration}
        if report.outcome != "passed":
            values |= {"details": _text(report.longrepr), "message": _message(report)}
        if report.failed:
            values["output"] = "\n".join(f"[{title}]\n{text}" for title, text in report.sections)[-SECTION_CHARACTERS:]
        self._write("phase", outcome=report.outcome, **values)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """A test has ended."""
        self._write("finished", test=nodeid)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Everything has ended."""
        self._write("ended", exit=int(exitstatus))

    def pytest_unconfigure(self) -> None:
        """Nothing more comes."""
        self._file.close()


def _text(longrepr: Any) -> str:
    """A skip's place and reason, or a failure as pytest shows it."""
    if isinstance(longrepr, tuple):
        file, line, reason = longrepr
        return f"{file}:{line}: {reason}"
    return str(longrepr or "")[-SECTION_CHARACTERS:]


def _message(report: pytest.TestReport) -> str:
    """What a list of failures says of a test: the exception's first lines, or why it was skipped."""
    if expected := getattr(report, "wasxfail", ""):
        return f"expected to fail: {expected}"
    longrepr: Any = report.longrepr
    if isinstance(longrepr, tuple):
        return str(longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(longrepr, "reprcrash", None)
    return str(crash.message if crash is not None else longrepr or "")[:2000]
