"""One cell: real pytest on small tests, and what each of its endings means."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from sandbox import health
from sandbox.backends import CommandLog
from sandbox.matrix import runner
from sandbox.matrix.cell import Cell
from sandbox.matrix.events import Progress
from sandbox.matrix.runner import Job, Running
from sandbox.report.model import CellResult, State

CELL = Cell(id="airflow3.0.2-py3.11-process-sail-dbx7.6.0", purpose="a test", groups=("pr",))
PASSES = "import os\n\ndef test_settings(): assert os.environ['SANDBOX_AIRFLOW_VERSION'] == '3.0.2'\n"


def running(tmp_path: Path, code: str, *, limit_seconds: float = 60) -> Running:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_it.py").write_text(code)
    job = Job(
        cell=CELL,
        project=tmp_path,
        folder=tmp_path / "run" / CELL.id,
        tests=("test_it.py",),
        limit_seconds=limit_seconds,
        settings={"SANDBOX_AIRFLOW_VERSION": "3.0.2"},
        rerun="sandbox matrix run X",
    )
    return Running(job=job, progress=Progress(file=job.folder / "events.jsonl"))


def test_a_passing_cell(tmp_path: Path) -> None:
    """With its settings in the environment, its counts, its phases, its records with digests."""
    it = running(tmp_path, PASSES)

    result = runner.files_of(it.job, runner.run_once(it), tmp_path / "state")

    assert (result.state, result.reason, result.counts.words) == (
        State.PASSED,
        "",
        "1 passed, 0 failed, 0 skipped, 0 not run",
    )
    assert [phase.name for phase in result.phases] == [
        "collect",
        "sandbox up",
        "other set-up",
        "tests",
        "tear-down",
        "other",
    ]
    assert sum(phase.seconds for phase in result.phases) == pytest.approx(result.seconds, abs=0.1)
    assert [Path(file.path).name for file in result.files] == ["events.jsonl", "junit.xml", "pytest.log"]
    assert all((tmp_path / "run" / file.path).is_file() for file in result.files)


@pytest.mark.parametrize(
    ("code", "state", "reason"),
    [
        ("def test_a(): assert 1 == 2", State.FAILED, "test_it.py::test_a: assert 1 == 2"),
        ("import pytest\ndef test_a(): pytest.skip('why')", State.SKIPPED, "test_it.py::test_a: why"),
        ("def helper(): ...", State.FAILED, "no tests were found"),
        ("def test_a(:", State.FAILED, "pytest ended with 2"),
        ("import os\ndef test_a(): os._exit(3)\ndef test_b(): ...", State.FAILED, "pytest ended with 3"),
        ("import os\ndef test_a(): os.kill(os.getpid(), 9)", State.FAILED, "pytest was killed by signal 9"),
    ],
)
def test_endings(tmp_path: Path, code: str, state: State, reason: str) -> None:
    """Each has its state and says why."""
    result = runner.run_once(running(tmp_path, code))

    assert result.state is state
    assert reason in result.reason


@pytest.mark.parametrize(
    "conftest",
    [
        "def pytest_sessionfinish(session): session.exitstatus = 1",
        "def pytest_unconfigure(): raise RuntimeError('the bench fell over')",
    ],
)
def test_pytest_failed_though_no_test_did(tmp_path: Path, conftest: str) -> None:
    """What plugins and conftest files find wrong after the last test counts."""
    (tmp_path / "conftest.py").write_text(conftest)

    result = runner.run_once(running(tmp_path, "def test_a(): ..."))

    assert (result.state, result.counts.passed) == (State.FAILED, 1)
    assert result.reason.startswith("pytest ended with 1: ")


def test_a_killed_cell_still_tells_what_passed(tmp_path: Path) -> None:
    """What was not reached is not run."""
    result = runner.run_once(
        running(tmp_path, "import os\ndef test_a(): ...\ndef test_b(): os._exit(1)\ndef test_c(): ...")
    )

    assert [test.state for test in result.tests] == [State.PASSED, State.NOT_RUN, State.NOT_RUN]
    assert (result.state, result.reason) == (State.FAILED, "pytest ended with 1")


def test_the_time_limit(tmp_path: Path) -> None:
    """A cell that hangs is ended and failed, and says which limit it was."""
    result = runner.run_once(running(tmp_path, "import time\ndef test_a(): time.sleep(600)", limit_seconds=3))

    assert result.state is State.FAILED
    assert result.reason == "not done after 3 s (limit_seconds), in test_it.py::test_a"
    assert result.seconds < 60


def test_stopping(tmp_path: Path) -> None:
    """A cell that is told to end was not run, whatever it had begun; its fixtures are torn down."""
    it = running(
        tmp_path,
        "import pathlib, pytest, time\n"
        "@pytest.fixture\n"
        "def thing():\n    yield\n    pathlib.Path('torn').touch()\n"
        "def test_a(thing):\n    pathlib.Path('begun').touch()\n    time.sleep(600)",
    )
    found: list[CellResult] = []
    thread = threading.Thread(target=lambda: found.append(runner.run_once(it)))
    thread.start()
    health.wait_until(lambda: "" if (tmp_path / "begun").exists() else "not begun", timeout_seconds=30)

    it.stop("interrupted")
    thread.join(timeout=30)

    assert (found[0].state, found[0].reason) == (State.NOT_RUN, "interrupted")
    assert (tmp_path / "torn").exists()


def test_the_environment_of_a_cell(tmp_path: Path) -> None:
    """Another sandbox's name and ports stay out, and the key that signs reports; the rest of the shell stays."""
    env = {"SANDBOX_NAME": "mine", "SANDBOX_S3_PORT": "1", "SANDBOX_LIMITS_UP_SECONDS": "9", "PATH": os.environ["PATH"]}
    env["SANDBOX_REPORT_KEY"] = "secret"

    assert running(tmp_path, "").job.environment(env) == {
        "SANDBOX_LIMITS_UP_SECONDS": "9",
        "PATH": os.environ["PATH"],
        "SANDBOX_AIRFLOW_VERSION": "3.0.2",
    }


def test_the_start_of_the_sandbox_is_a_phase(tmp_path: Path) -> None:
    """By the time that the fixture takes, apart from what else is set up."""
    code = (
        "import pytest, time\n"
        "@pytest.fixture(scope='session')\n"
        "def sandbox(): time.sleep(0.4)\n"
        "@pytest.fixture\n"
        "def other(sandbox): time.sleep(0.2)\n"
        "def test_a(other): ...\n"
    )

    phases = {phase.name: phase.seconds for phase in runner.run_once(running(tmp_path, code)).phases}

    assert phases["sandbox up"] >= 0.4
    assert phases["other set-up"] >= 0.2


def test_logs_that_a_command_prints(tmp_path: Path) -> None:
    """Are kept for a cell that failed."""
    it = running(tmp_path, "def test_a(): assert 0")
    log = CommandLog(title="airflow", argv=("echo", "the log"), lines="--tail", follow="-f")

    result = runner.files_of(it.job, runner.run_once(it), tmp_path / "state", [log])

    (kept,) = [file for file in result.files if file.kind == "log"]
    assert (tmp_path / "run" / kept.path).read_text() == "--tail 2000 the log\n"
