"""One cell: pytest in its own process, with the cell's settings and a sandbox of its own, within its time limit."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sandbox.matrix import evidence
from sandbox.matrix.cell import Cell
from sandbox.matrix.events import Progress
from sandbox.report.model import CellResult, Phase, RuntimeUsed, State, TestResult, Trouble, count, state_of

NAME_PREFIX = "cell-"
"""How the names of the cells' sandboxes begin."""
STOP_SECONDS = 60.0
"""How long a cell that was told to end may take to stop its sandbox."""
TERMINATE_SECONDS = 10.0
NOT_INHERITED = ("SANDBOX_NAME", "SANDBOX_INSTANCE", "SANDBOX_SERVICE", "PYTEST_ADDOPTS", "PYTEST_XDIST_")


def sandbox_name(cell: Cell) -> str:
    """The name of the cell's sandbox: short, since a name has 31 characters at most."""
    return f"{NAME_PREFIX}{hashlib.sha256(cell.id.encode()).hexdigest()[:10]}"


@dataclass(frozen=True, kw_only=True)
class Job:
    """A cell that is to run: what, with which settings, where its records go, and how long it may take."""

    cell: Cell
    project: Path
    folder: Path
    tests: tuple[str, ...]
    limit_seconds: float
    settings: Mapping[str, str]
    runtimes: tuple[RuntimeUsed, ...] = ()
    images: Mapping[str, str] = field(default_factory=dict)
    rerun: str = ""

    @property
    def argv(self) -> list[str]:
        """The command of its tests."""
        options = [f"--cell-events={self.folder / 'events.jsonl'}", f"--junitxml={self.folder / 'junit.xml'}"]
        options += [f"--sandbox-name={sandbox_name(self.cell)}", f"--basetemp={self.folder / 'tmp'}"]
        if importlib.util.find_spec("pytest_timeout"):
            # each test has what the cell has: starting a sandbox counts to the first one
            options.append(f"--timeout={self.limit_seconds:.0f}")
        plugins = ["-p", "sandbox.matrix.recorder", "-p", "no:cacheprovider"]
        return [sys.executable, "-m", "pytest", *plugins, *options, *self.tests]

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """The variables of the process: this shell's without another sandbox's name and ports, and the cell's."""
        kept = {
            name: value
            for name, value in env.items()
            if not name.startswith(NOT_INHERITED) and not (name.startswith("SANDBOX_") and name.endswith("_PORT"))
        }
        return kept | dict(self.settings)


@dataclass(kw_only=True)
class Running:
    """A cell while it runs; `stop` may be called from another thread."""

    job: Job
    progress: Progress
    begun: float = field(default_factory=time.monotonic)
    stopped: str = ""
    _process: subprocess.Popen[bytes] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def stop(self, why: str) -> None:
        """Tell the cell to end; it takes its sandbox down first."""
        with self._lock:
            self.stopped = self.stopped or why
            if self._process is not None and self._process.poll() is None:
                self._process.send_signal(signal.SIGINT)

    def wait(self) -> tuple[int | None, str]:
        """Run it; returns the exit code and, where it was ended from outside, why."""
        with self._lock:
            if self.stopped:
                return None, self.stopped
            with (self.job.folder / "pytest.log").open("ab") as log:
                self._process = subprocess.Popen(
                    self.job.argv,
                    cwd=self.job.project,
                    env=self.job.environment(os.environ),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        process = self._process
        try:
            process.wait(timeout=self.job.limit_seconds)
        except subprocess.TimeoutExpired:
            self.stop(f"not done after {self.job.limit_seconds:.0f} s (limit_seconds)")
            _end(process)
        return process.returncode, self.stopped


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process that was interrupted; then terminate it, then kill its group."""
    for seconds, number in ((STOP_SECONDS, signal.SIGTERM), (TERMINATE_SECONDS, signal.SIGKILL)):
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, number)
    process.wait()


def run_once(running: Running) -> CellResult:
    """Run the cell's tests once; its sandbox's state is left for whoever calls."""
    job = running.job
    shutil.rmtree(job.folder, ignore_errors=True)
    job.folder.mkdir(parents=True)
    started = datetime.now(UTC)
    begun = time.monotonic()
    code, why = running.wait()
    seconds = time.monotonic() - begun
    tests = running.progress.read().results()
    problem = why or _problem(code, tests, told_its_end=running.progress.ended is not None)
    if problem and not tests and not why:
        problem = f"{problem}: {_last_words(job.folder / 'pytest.log')}"
    state = state_of(tests, problem=problem)
    if why and State.FAILED not in {test.state for test in tests} and not why.startswith("not done"):
        state = State.NOT_RUN
    return CellResult(
        id=job.cell.id,
        axes=job.cell.axes,
        groups=job.cell.groups,
        purpose=job.cell.purpose,
        state=state,
        reason=problem or _reason(state, tests),
        attempts=1,
        started=started.isoformat(timespec="seconds"),
        seconds=round(seconds, 2),
        phases=_phases(running.progress, tests, started.timestamp(), seconds),
        tests=tests,
        counts=count(test.state for test in tests),
        rerun=job.rerun,
        settings=job.settings,
        runtimes=job.runtimes,
        images=job.images,
    )


def _problem(code: int | None, tests: tuple[TestResult, ...], *, told_its_end: bool) -> str:
    """What is wrong beyond the tests' own results."""
    if not tests and code == 5:
        return "no tests were found"
    if code in (0, 1) and told_its_end:
        return "" if tests else "pytest reported no tests"
    return f"pytest ended with {code}" if code is None or code >= 0 else f"pytest was killed by signal {-code}"


def _last_words(log: Path) -> str:
    """The first error line of pytest's own output, or its last line."""
    lines = [line.strip() for line in log.read_text("utf-8", errors="replace").splitlines() if line.strip()]
    told = [line for line in lines if "error" in line.lower()]
    return (told or lines or ["it printed nothing"])[-1]


def _reason(state: State, tests: tuple[TestResult, ...]) -> str:
    """Why a cell is not passed, in a line: its first test that is not."""
    first = next((test for test in tests if test.state is state), None)
    if state is State.PASSED or first is None:
        return ""
    return f"{first.id}: {Trouble(state=state, message=first.message, tests=(first,)).headline}"


def _phases(progress: Progress, tests: tuple[TestResult, ...], started: float, seconds: float) -> tuple[Phase, ...]:
    """Where the time went; what the first test's set-up takes is nearly all `sandbox up`."""
    collecting = max(0.0, progress.first_test_at - started) if progress.first_test_at else 0.0
    parts = {
        "collect": collecting,
        "set-up": sum(test.setup_seconds for test in tests),
        "tests": sum(test.call_seconds for test in tests),
        "tear-down": sum(test.teardown_seconds for test in tests),
    }
    parts["other"] = max(0.0, seconds - sum(parts.values()))
    return tuple(Phase(name=name, seconds=round(value, 2)) for name, value in parts.items())


def files_of(job: Job, result: CellResult, state: Path) -> CellResult:
    """The result with its files; those of a sandbox only where something went wrong."""
    found = list(evidence.records(job.folder))
    if result.state is not State.PASSED:
        found += evidence.collect(state, job.folder)
    shutil.rmtree(job.folder / "tmp", ignore_errors=True)
    return result.model_copy(update={"files": tuple(found)})
