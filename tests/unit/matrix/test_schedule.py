"""Which cell starts when, and what ends them all."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from sandbox.matrix.cell import Cell
from sandbox.matrix.runner import Job, Running
from sandbox.matrix.schedule import INTERRUPTED, Limits, not_run, run_all
from sandbox.report.model import CellResult, State

PATIENCE_SECONDS = 20


def job(number: int, *, memory_mib: int = 1000, backend: str = "process") -> Job:
    cell = Cell(id=f"airflow3.0.{number}-py3.11-{backend}-sail-dbx7.6.0", purpose="a test", memory_mib=memory_mib)
    return Job(cell=cell, project=Path(), folder=Path(), tests=(), limit_seconds=1, settings={})


class Recorder:
    """Remembers who ran beside whom."""

    def __init__(self) -> None:
        self.now: set[str] = set()
        self.most = 0
        self.ended: list[str] = []

    def begins(self, running: Running) -> None:
        self.now.add(running.job.cell.airflow)
        self.most = max(self.most, len(self.now))

    def ends(self, result: CellResult) -> None:
        self.now.discard(result.axes["airflow"])
        self.ended.append(result.axes["airflow"])


def finished(running: Running, state: State = State.PASSED) -> CellResult:
    return not_run(running.job, "").model_copy(update={"state": state})


def waits_for_stop(running: Running, begun: threading.Event | None = None) -> CellResult:
    stopped = threading.Event()
    running.stop = lambda why: (setattr(running, "stopped", why), stopped.set())  # type: ignore[assignment,method-assign,func-returns-value]
    if begun:
        begun.set()
    assert stopped.wait(PATIENCE_SECONDS)
    return not_run(running.job, running.stopped)


@pytest.mark.parametrize(
    ("memories", "limits", "most"),
    [
        ([1000] * 4, Limits(jobs=2, room_mib=10_000), 2),
        ([1000] * 4, Limits(jobs=9, room_mib=3000), 3),
        ([9000, 9000], Limits(jobs=9, room_mib=3000), 1),
        ([2000, 9000, 1000], Limits(jobs=9, room_mib=3000), 2),
    ],
)
def test_as_many_as_fit(memories: list[int], limits: Limits, most: int) -> None:
    """By number and by memory; one always runs, and a small one passes a large one that has to wait."""
    jobs = [job(number, memory_mib=memory) for number, memory in enumerate(memories)]
    together = threading.Barrier(most, timeout=PATIENCE_SECONDS)
    seen = Recorder()

    def work(running: Running) -> CellResult:
        # the first ones wait for each other: that proves that they run at the same time
        if running.job in jobs_at_first:
            together.wait()
        return finished(running)

    jobs_at_first = {0: jobs[:most]}[0] if memories != [2000, 9000, 1000] else [jobs[0], jobs[2]]
    results = run_all(jobs, work=work, limits=limits, watcher=seen)

    assert seen.most == most
    assert len(results) == len(jobs)
    assert all(result.state is State.PASSED for result in results)


@pytest.mark.parametrize(("backends", "most"), [(["kind", "process", "process"], 2), (["kind", "kind"], 1)])
def test_a_cell_on_kind_counts_as_two(backends: list[str], most: int) -> None:
    """Of three places it leaves one to others."""
    jobs = [job(number, backend=backend) for number, backend in enumerate(backends)]
    together = threading.Barrier(most, timeout=PATIENCE_SECONDS)
    seen = Recorder()

    def work(running: Running) -> CellResult:
        if running.job in jobs[:most]:
            together.wait()
        return finished(running)

    run_all(jobs, work=work, limits=Limits(jobs=3, room_mib=100_000), watcher=seen)

    assert seen.most == most


def test_the_first_failure_ends_everything() -> None:
    """Who runs is stopped, who waits is not run, and both say why."""
    begun = threading.Event()

    def work(running: Running) -> CellResult:
        if running.job.cell.airflow == "3.0.0":
            assert begun.wait(PATIENCE_SECONDS)
            return finished(running, State.FAILED)
        return waits_for_stop(running, begun)

    results = run_all(
        [job(0), job(1), job(2)],
        work=work,
        limits=Limits(jobs=2, room_mib=9000, fail_fast=True),
        watcher=Recorder(),
    )

    states = {result.axes["airflow"]: (result.state, "--fail-fast" in result.reason) for result in results}
    assert states == {
        "3.0.0": (State.FAILED, False),
        "3.0.1": (State.NOT_RUN, True),
        "3.0.2": (State.NOT_RUN, True),
    }


def test_an_interrupt_waits_for_the_running_ones() -> None:
    """They take their sandboxes down; all of them have a result."""

    class Interrupting(Recorder):
        def ends(self, result: CellResult) -> None:
            super().ends(result)
            if len(self.ended) == 1:
                raise KeyboardInterrupt

    begun = threading.Event()

    def work(running: Running) -> CellResult:
        if running.job.cell.airflow == "3.0.0":
            assert begun.wait(PATIENCE_SECONDS)
            return finished(running)
        return waits_for_stop(running, begun)

    results = run_all([job(0), job(1), job(2)], work=work, limits=Limits(jobs=2, room_mib=9000), watcher=Interrupting())

    assert [result.reason for result in results] == ["", INTERRUPTED, INTERRUPTED]
