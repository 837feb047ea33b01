"""Cells side by side: as many as the cores and the memory allow, the longest first; each result as it comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Protocol

from sandbox.matrix.events import Progress
from sandbox.matrix.runner import Job, Running
from sandbox.report.model import CellResult, State

INTERRUPTED = "interrupted"
"""The reason of cells that did not end because somebody pressed Ctrl-C."""

Work = Callable[[Running], CellResult]
"""Runs one cell to its end and cleans up after it."""


class Watcher(Protocol):
    """Who is told what happens to the cells."""

    def begins(self, running: Running) -> None:
        """A cell starts."""

    def ends(self, result: CellResult) -> None:
        """A cell has its result."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How many cells at once, how much memory together, and whether the first failure ends everything."""

    jobs: int
    room_mib: int
    fail_fast: bool = False


def not_run(job: Job, reason: str) -> CellResult:
    """The result of a cell that did not start."""
    cell = job.cell
    return CellResult(
        id=cell.id,
        axes=cell.axes,
        groups=cell.groups,
        purpose=cell.purpose,
        state=State.NOT_RUN,
        reason=reason,
        rerun=job.rerun,
        settings=job.settings,
    )


def run_all(jobs: Sequence[Job], *, work: Work, limits: Limits, watcher: Watcher) -> list[CellResult]:
    """The results of all cells, in the order in which they came.

    On Ctrl-C the running cells are told to end and waited for; they, and those that had not begun, are not run, with
    the reason INTERRUPTED.
    """
    schedule = _Schedule(jobs, work=work, limits=limits, watcher=watcher)
    with ThreadPoolExecutor(max_workers=max(1, len(jobs)), thread_name_prefix="cell") as pool:
        try:
            schedule.run(pool)
        except KeyboardInterrupt:
            schedule.abandon(INTERRUPTED)
            schedule.run(pool)
    return schedule.results


class _Schedule:
    def __init__(self, jobs: Sequence[Job], *, work: Work, limits: Limits, watcher: Watcher) -> None:
        self.results: list[CellResult] = []
        self._waiting = list(jobs)
        self._running: dict[Future[CellResult], Running] = {}
        self._work = work
        self._limits = limits
        self._watcher = watcher

    def run(self, pool: ThreadPoolExecutor) -> None:
        """Start what fits, take what is done, until nothing is left."""
        while self._waiting or self._running:
            for job in [job for job in self._waiting if self._fits(job)]:
                if self._fits(job):  # the ones before it have taken room
                    self._start(job, pool)
            done, _ = wait(self._running, return_when=FIRST_COMPLETED)
            for future in done:
                self._finish(future)

    def abandon(self, reason: str) -> None:
        """Nothing more starts; what runs is told to end."""
        for job in self._waiting:
            self._take(not_run(job, reason))
        self._waiting.clear()
        for running in self._running.values():
            running.stop(reason)

    def _fits(self, job: Job) -> bool:
        if not self._running:
            return True
        together = [*(running.job.cell for running in self._running.values()), job.cell]
        return (
            sum(cell.places for cell in together) <= self._limits.jobs
            and sum(cell.expected_memory_mib for cell in together) <= self._limits.room_mib
        )

    def _start(self, job: Job, pool: ThreadPoolExecutor) -> None:
        self._waiting.remove(job)
        running = Running(job=job, progress=Progress(file=job.folder / "events.jsonl"))
        self._watcher.begins(running)
        self._running[pool.submit(self._work, running)] = running

    def _finish(self, future: Future[CellResult]) -> None:
        running = self._running.pop(future)
        result = future.result()
        self._take(result)
        if self._limits.fail_fast and result.state is State.FAILED and not running.stopped:
            self.abandon(f"{result.id} failed, and --fail-fast was given")

    def _take(self, result: CellResult) -> None:
        self.results.append(result)
        self._watcher.ends(result)
