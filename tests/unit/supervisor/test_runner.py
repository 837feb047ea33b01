"""A service is started, probed, restarted with backoff, adopted and stopped."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from sandbox.health import Probe
from sandbox.supervisor.model import ServiceLaunch, ServicePhase, ServiceState
from sandbox.supervisor.ownership import identify
from sandbox.supervisor.runner import ServiceRunner, backoff_seconds, describe_exit

SERVER = """
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    server.accept()[0].close()
"""
PATIENCE_SECONDS = 20


class Told:
    """Collects what a runner publishes, and waits for what a test expects."""

    def __init__(self) -> None:
        self.states: queue.Queue[ServiceState] = queue.Queue()

    def until(self, wanted: Callable[[ServiceState], bool]) -> ServiceState:
        while True:
            state = self.states.get(timeout=PATIENCE_SECONDS)
            if wanted(state):
                return state


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def launch(tmp_path: Path, free_port: int) -> ServiceLaunch:
    return ServiceLaunch(
        name="echo",
        argv=(sys.executable, "-c", SERVER, str(free_port)),
        env={"COLOUR": "blue"},
        cwd=str(tmp_path),
        log=str(tmp_path / "echo.log"),
        probe=Probe(kind="tcp", target=f"127.0.0.1:{free_port}"),
        stop_signal="SIGTERM",
        stop_seconds=5.0,
    )


Run = Callable[..., ServiceRunner]


@pytest.fixture
def run(told: Told) -> Iterator[Run]:
    runners: list[ServiceRunner] = []

    def start(
        launch: ServiceLaunch,
        before: ServiceState | None = None,
        ready: Callable[[], str] = str,
        held: Callable[[], bool] = bool,
    ) -> ServiceRunner:
        runner = ServiceRunner(launch, before=before, publish=told.states.put, on_ready=ready, held=held)
        runner.start()
        runners.append(runner)
        return runner

    yield start
    for runner in runners:
        runner.stop()
        runner.join(PATIENCE_SECONDS)


def healthy(state: ServiceState) -> bool:
    return state.phase is ServicePhase.HEALTHY


def test_becomes_healthy_and_carries_its_environment(launch: ServiceLaunch, told: Told, run: Run) -> None:
    """The process runs with its variables, and the ready step's answer is the detail."""
    run(launch, ready=lambda: "ready!")

    state = told.until(healthy)

    assert state.detail == "ready!"
    assert state.pid is not None
    assert psutil.Process(state.pid).environ()["COLOUR"] == "blue"


def test_a_killed_service_is_started_again(launch: ServiceLaunch, told: Told, run: Run) -> None:
    """After kill -9 the state says so, and a new process takes over."""
    run(launch)
    first = told.until(healthy)
    assert first.pid is not None

    os.kill(first.pid, signal.SIGKILL)
    backoff = told.until(lambda state: state.phase is ServicePhase.BACKOFF)
    second = told.until(healthy)

    assert backoff.last_exit == "killed by SIGKILL"
    assert backoff.restarts == second.restarts == 1
    assert second.pid != first.pid


def test_a_held_service_is_started_when_its_turn_comes(
    launch: ServiceLaunch, told: Told, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No process before the one that it yields to is healthy."""
    monkeypatch.setattr("sandbox.supervisor.runner.HOLD_SECONDS", PATIENCE_SECONDS)
    asked = threading.Event()
    turn = threading.Event()

    def held() -> bool:
        asked.set()
        return not turn.is_set()

    run(launch, held=held)
    assert asked.wait(PATIENCE_SECONDS)
    assert told.states.empty()
    turn.set()

    assert told.until(healthy).pid is not None


def test_a_held_service_is_started_though_its_turn_never_comes(
    launch: ServiceLaunch, told: Told, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that fails takes none of the others with it."""
    monkeypatch.setattr("sandbox.supervisor.runner.HOLD_SECONDS", 0.1)

    run(launch, held=lambda: True)

    assert told.until(healthy).pid is not None


def test_a_failing_ready_step_is_bad_health_not_the_end(launch: ServiceLaunch, told: Told, run: Run) -> None:
    """The step is tried again until it works."""
    answers: Iterator[str | OSError] = iter([OSError("no bucket yet"), "made it"])

    def ready() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    run(launch, ready=ready)

    assert "no bucket yet" in told.until(lambda state: bool(state.detail) and "ready step" in state.detail).detail
    assert told.until(healthy).detail == "made it"


def test_an_unforeseen_error_is_told_and_survived(launch: ServiceLaunch, told: Told, run: Run) -> None:
    """The service's detail has it, and the service is looked after again."""
    answers = iter([True])

    def held() -> bool:
        if next(answers, False):
            raise RuntimeError("nobody thought of this")
        return False

    run(launch, held=held)

    detail = told.until(lambda state: state.phase is ServicePhase.BACKOFF).detail
    assert detail == "its supervisor failed: RuntimeError('nobody thought of this')"
    assert told.until(healthy).restarts == 0


def test_an_unforeseen_error_costs_no_process(
    launch: ServiceLaunch, told: Told, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that lives is adopted by the next round."""
    run(launch)
    first = told.until(healthy)
    answers = iter([RuntimeError("nobody thought of this")])

    def check(probe: Probe) -> str:
        for error in answers:
            raise error
        return ""

    monkeypatch.setattr("sandbox.health.check", check)
    run(launch, before=first)

    told.until(lambda state: state.phase is ServicePhase.BACKOFF)
    assert told.until(healthy).pid == first.pid


def test_a_living_process_is_adopted(launch: ServiceLaunch, told: Told, run: Run) -> None:
    """A new supervisor takes over the process of one that was killed, without a restart."""
    run(launch)
    first = told.until(healthy)

    run(launch, before=first)
    second = told.until(healthy)

    assert second.pid == first.pid


def test_an_outdated_process_is_replaced(launch: ServiceLaunch, told: Told, run: Run, tmp_path: Path) -> None:
    """A process whose description has changed is stopped and started anew."""
    import dataclasses

    run(launch)
    first = told.until(healthy)
    runner = run(dataclasses.replace(launch, env={"COLOUR": "red"}), before=first)
    second = told.until(lambda state: healthy(state) and state.fingerprint == runner.launch.fingerprint)

    assert second.pid is not None
    assert psutil.Process(second.pid).environ()["COLOUR"] == "red"
    assert identify(first.pid, first.created) is None


def test_stop_ends_the_process(launch: ServiceLaunch, told: Told, run: Run) -> None:
    """After `stop` the process is gone."""
    runner = run(launch)
    state = told.until(healthy)

    runner.stop()
    runner.join(PATIENCE_SECONDS)

    assert told.until(lambda each: each.phase is ServicePhase.STOPPED).pid is None
    assert identify(state.pid, state.created) is None


def test_a_program_that_does_not_exist_is_said(launch: ServiceLaunch, told: Told, run: Run) -> None:
    """A start that fails is told like an end."""
    import dataclasses

    run(dataclasses.replace(launch, argv=("/nowhere/python",)))

    assert "could not start" in told.until(lambda state: state.phase is ServicePhase.BACKOFF).detail


def test_a_log_that_cannot_be_written_ends_no_supervision(
    launch: ServiceLaunch, told: Told, run: Run, tmp_path: Path
) -> None:
    """A full disk is told, and the service is started as soon as it can be."""
    import dataclasses

    folder = tmp_path / "logs"
    folder.write_text("in the way")
    run(dataclasses.replace(launch, log=str(folder / "echo.log")))
    detail = told.until(lambda state: state.phase is ServicePhase.BACKOFF).detail

    folder.unlink()

    assert "could not start" in detail
    assert told.until(healthy).restarts >= 1


def test_backoff_doubles_up_to_thirty_seconds() -> None:
    """The pauses are 0.5, 1, 2 … and never more than 30 seconds."""
    assert [backoff_seconds(failures) for failures in (1, 2, 3, 7, 50)] == [0.5, 1.0, 2.0, 30.0, 30.0]


def test_exits_in_words() -> None:
    """A signal has its name."""
    assert [describe_exit(code) for code in (0, -9, None)] == ["exited with 0", "killed by SIGKILL", "ended"]
