"""One cell: pytest in its own process, with the cell's settings and a sandbox of its own, within its time limit."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sandbox.backends import LogSource
from sandbox.matrix import evidence
from sandbox.matrix.cell import Cell
from sandbox.matrix.events import Progress
from sandbox.report.integrity import KEY_VARIABLE
from sandbox.report.model import CellResult, Phase, RuntimeUsed, State, TestResult, Trouble, count, state_of

NAME_PREFIX = "cell-"
"""How the names of the cells' sandboxes begin."""
STOP_SECONDS = 60.0
"""How long a cell that was told to end may take to stop its sandbox."""
SANDBOX_FIXTURE = "sandbox"
"""The pytest plugin's fixture that starts the cell's sandbox."""
OVERDUE = "not done"
"""How the reason of a cell begins whose time was over."""
NOT_INHERITED = (
    *("SANDBOX_NAME", "SANDBOX_INSTANCE", "SANDBOX_SERVICE", "PYTEST_ADDOPTS", "PYTEST_XDIST_"),
    # what is judged does not hold the judge's seal
    KEY_VARIABLE,
)


def sandbox_name(cell: Cell) -> str:
    """The name of the cell's sandbox: short, since a name has 31 characters at most."""
    return f"{NAME_PREFIX}{hashlib.sha256(cell.id.encode()).hexdigest()[:10]}"


def name_option(name: str) -> str:
    """The argument by which the cell's pytest is told its sandbox's name, and is known among all processes."""
    return f"--sandbox-name={name}"


@dataclass(frozen=True, kw_only=True)
class Job:
    """A cell that is to run: what, with which settings, where its records go, and how long it may take."""

    cell: Cell
    project: Path
    folder: Path
    tests: tuple[str, ...]
    limit_seconds: float
    settings: Mapping[str, str]
    variables: tuple[str, ...] = ()
    runtimes: tuple[RuntimeUsed, ...] = ()
    images: Mapping[str, str] = field(default_factory=dict)
    rerun: str = ""

    @property
    def argv(self) -> list[str]:
        """The command of its tests."""
        options = [f"--cell-events={self.folder / 'events.jsonl'}", f"--junitxml={self.folder / 'junit.xml'}"]
        options += [name_option(sandbox_name(self.cell)), f"--basetemp={self.folder / 'tmp'}"]
        # what its services say is asked for before they are taken down
        options.append("--sandbox-keep")
        if importlib.util.find_spec("pytest_timeout"):
            # each test has what the cell has: starting a sandbox counts to the first one
            options.append(f"--timeout={self.limit_seconds:.0f}")
        plugins = ["-p", "sandbox.matrix.recorder", "-p", "no:cacheprovider"]
        return [sys.executable, "-m", "pytest", "-vv", *plugins, *options, *self.tests]

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
        """Tell the cell to end, and kill what has not ended after a minute."""
        with self._lock:
            self.stopped = self.stopped or why
            process = self._process
            if process is None or process.poll() is not None:
                return
            process.send_signal(signal.SIGINT)
        last_resort = threading.Timer(STOP_SECONDS, _kill, (process,))
        last_resort.daemon = True
        last_resort.start()

    def run(self, argv: Sequence[str], *, log: str) -> int | None:
        """Run one command of the cell to its end, within what is left of its time; None when it was not begun."""
        with self._lock:
            if self.stopped:
                return None
            with (self.job.folder / log).open("ab") as output:
                self._process = subprocess.Popen(
                    argv,
                    cwd=self.job.project,
                    env=self.job.environment(os.environ),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        # not Popen.wait with a time limit: that looks twenty times a second
        left_seconds = max(0.0, self.begun + self.job.limit_seconds - time.monotonic())
        reason = f"{OVERDUE} after {self.job.limit_seconds:.0f} s (limit_seconds)"
        alarm = threading.Timer(left_seconds, self.stop, [reason])
        alarm.daemon = True
        alarm.start()
        try:
            return self._process.wait()
        finally:
            alarm.cancel()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its group, if it still lives."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):  # it ended just now
            os.killpg(process.pid, signal.SIGKILL)


def run_once(running: Running) -> CellResult:
    """Run the cell's tests once; they start its sandbox, which is left running for whoever calls."""
    job = running.job
    shutil.rmtree(job.folder, ignore_errors=True)
    job.folder.mkdir(parents=True)
    started = datetime.now(UTC)
    begun = running.begun = time.monotonic()
    code = running.run(job.argv, log="pytest.log")
    seconds = time.monotonic() - begun
    tests = running.progress.read().results()
    problem = running.stopped or _problem(code, tests, running)
    if running.stopped.startswith(OVERDUE) and running.progress.running:
        problem += f", in {running.progress.running}"
    state = state_of(tests, problem=problem)
    given_up = running.stopped and not running.stopped.startswith(OVERDUE)
    if given_up and State.FAILED not in {test.state for test in tests}:
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
        asked=job.tests,
        tests=tests,
        counts=count(test.state for test in tests),
        rerun=job.rerun,
        settings=job.settings,
        variables=job.variables,
        runtimes=job.runtimes,
        images=job.images,
    )


def _problem(code: int | None, tests: tuple[TestResult, ...], running: Running) -> str:
    """What is wrong beyond the tests' own results."""
    if not tests and code == 5:
        return "no tests were found"
    failed = State.FAILED in {test.state for test in tests}
    # 1 without a test that failed: a plugin or a conftest gave up after the last one
    if running.progress.ended is not None and (code == 0 or (code == 1 and failed)):
        return "" if tests else "pytest reported no tests"
    ending = f"pytest was killed by signal {-code}" if code and code < 0 else f"pytest ended with {code}"
    told = {test.state for test in tests} - {State.PASSED}
    return ending if told else f"{ending}: {_last_words(running.job.folder / 'pytest.log')}"


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
    """Where the time went; the other set-ups are nearly all the run of the pipeline."""
    up = progress.fixtures.get(SANDBOX_FIXTURE, 0.0)
    parts = {
        "collect": max(0.0, progress.first_test_at - started) if progress.first_test_at else 0.0,
        "sandbox up": up,
        "other set-up": max(0.0, sum(test.setup_seconds for test in tests) - up),
        "tests": sum(test.call_seconds for test in tests),
        "tear-down": sum(test.teardown_seconds for test in tests),
    }
    parts["other"] = max(0.0, seconds - sum(parts.values()))
    return tuple(Phase(name=name, seconds=round(value, 2)) for name, value in parts.items())


def files_of(job: Job, result: CellResult, state: Path, logs: Iterable[LogSource] = ()) -> CellResult:
    """The result with its files; those of its sandbox only where something went wrong."""
    found = list(evidence.records(job.folder))
    if result.state is not State.PASSED:
        found += evidence.collect(state, job.folder)
        found += evidence.printed(logs, job.folder)
    shutil.rmtree(job.folder / "tmp", ignore_errors=True)
    return result.model_copy(update={"files": tuple(found)})
