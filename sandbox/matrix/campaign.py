"""A whole run of the matrix: what can run here, its runtimes, all cells, the report."""

from __future__ import annotations

import itertools
import platform
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

import sandbox
from sandbox.backends import BACKENDS, LogSource
from sandbox.config import Config
from sandbox.errors import SandboxError
from sandbox.matrix import machine, runner, tenancy
from sandbox.matrix.cell import Cell
from sandbox.matrix.model import Matrix
from sandbox.matrix.provision import lacks, provide
from sandbox.matrix.runner import Job, Running
from sandbox.matrix.schedule import Limits, Watcher, not_run, run_all
from sandbox.matrix.settings import environment, obstacle
from sandbox.paths import StatePaths
from sandbox.progress import Progress
from sandbox.report import render, source, store
from sandbox.report.integrity import sealed
from sandbox.report.model import CellResult, Report, State

ATTEMPTS_WITH_RETRY = 2


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a run is to be; `tests` replaces what the cells would run, `jobs` the number that the machine suggests."""

    jobs: int | None = None
    fail_fast: bool = False
    retry_failed: bool = False
    tests: tuple[str, ...] = ()
    selection: tuple[str, ...] = ()
    key: str = ""


class Silent:
    """A Progress that says nothing: the cells' sandboxes are told of by the cells."""

    @contextmanager
    def step(self, _title: str) -> Iterator[Silent]:
        """See Progress."""
        yield self

    def note(self, text: str) -> None:
        """See Progress."""

    def update(self, detail: str) -> None:
        """See Step."""

    def done(self, detail: str) -> None:
        """See Step."""


def run(
    matrix: Matrix,
    cells: Sequence[Cell],
    *,
    project: Path,
    config: Config,
    options: Options,
    progress: Progress,
    board: Callable[[], Watcher],
) -> tuple[Report, Path]:
    """Run the cells and write the report; returns it and its folder.

    Raises ConfigurationError when a cell's row has no lock; everything that goes wrong later is in the report.
    """
    begun = time.monotonic()
    before = source.look(project)
    folder = store.new_folder(project)
    jobs = [_job(matrix, cell, project, folder, config, options) for cell in cells]
    tenancy.remove_leftovers(project, progress)
    unable = {job.cell.id: why for job in jobs if (why := obstacle(job.cell, lacks))}
    able, unprovided = provide([job for job in jobs if job.cell.id not in unable], progress)
    unable |= unprovided
    limits = Limits(
        jobs=machine.jobs(sum(job.cell.places for job in able), wanted=options.jobs),
        room_mib=machine.room_mib(),
        fail_fast=options.fail_fast,
    )
    attempts = ATTEMPTS_WITH_RETRY if options.retry_failed else 1
    watcher = board()
    results = [not_run(job, unable[job.cell.id]) for job in jobs if job.cell.id in unable]
    for result in results:
        watcher.ends(result)
    durations = _durations(project)
    able.sort(key=lambda job: -durations.get(job.cell.id, job.cell.expected_memory_mib))
    results += run_all(able, work=lambda running: _run_cell(running, attempts), limits=limits, watcher=watcher)
    order = [cell.id for cell in cells]
    report = sealed(
        Report(
            id=folder.name,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            tool_version=sandbox.__version__,
            selection=options.selection,
            source=source.both(before, source.look(project)),
            inputs=source.digests(artefacts(project, config)),
            machine=_machine(),
            jobs=limits.jobs,
            seconds=round(time.monotonic() - begun, 2),
            cells=tuple(sorted(results, key=lambda result: order.index(result.id))),
        ),
        options.key,
    )
    store.write(report, folder)
    render.write(report, project, folder)
    store.prune(project)
    return report, folder


def artefacts(project: Path, config: Config) -> dict[str, Path]:
    """What a report's digests are of, beside the locks: those that the project has."""
    settings = config.project
    names = (settings.dags, settings.bundle, settings.matrix, "notebooks", "chart", "images", "sandbox.toml")
    return {name: project / name for name in names}


def _job(matrix: Matrix, cell: Cell, project: Path, folder: Path, config: Config, options: Options) -> Job:
    rerun = f"sandbox matrix run {cell.id}"
    return Job(
        cell=cell,
        project=project,
        folder=folder / cell.id,
        tests=options.tests or matrix.tests(cell),
        limit_seconds=matrix.limit_seconds(cell),
        settings=environment(cell, config.airflow.providers),
        rerun=rerun + "".join(f" --tests {test}" for test in options.tests),
    )


def _run_cell(running: Running, attempts: int) -> CellResult:
    """Run a cell on a new sandbox, and leave none; again, when it failed and may be tried again."""
    job = running.job
    for attempt in range(1, attempts + 1):
        result = _attempt(running).model_copy(update={"attempts": attempt})
        if result.state is not State.FAILED or running.stopped or attempt == attempts:
            break
        job.folder.rename(job.folder.with_name(f"{job.cell.id}.attempt-{attempt}"))
        running.progress = type(running.progress)(file=running.progress.file)
    return result.model_copy(update={"flaky": result.state is State.PASSED and result.attempts > 1})


def _attempt(running: Running) -> CellResult:
    job = running.job
    paths = StatePaths(project=job.project, name=runner.sandbox_name(job.cell))
    result: CellResult | None = None
    try:
        with tenancy.alone(paths):
            tenancy.remove(paths, job.cell.backend, Silent())
            result = runner.run_once(running)
            result = runner.files_of(job, result, paths.root, _logs(job.cell, paths))
            tenancy.remove(paths, job.cell.backend, Silent())
    except SandboxError as error:
        if result is None:
            return not_run(job, f"{error.what} {error.why}".strip())
        reason = f"its sandbox could not be removed: {error.what}"
        return result.model_copy(update={"state": State.FAILED, "reason": result.reason or reason})
    except Exception as error:
        # a bug of ours in one cell must not take the others' results with it
        told = "".join(traceback.format_exception(error))
        return not_run(job, f"unforeseen: {type(error).__name__}: {error}\n{told}").model_copy(
            update={"state": State.FAILED}
        )
    return result


def _logs(cell: Cell, paths: StatePaths) -> list[LogSource]:
    return [log for logs in BACKENDS[cell.backend].logs(paths).values() for log in logs]


def _durations(project: Path) -> dict[str, float]:
    """How long each cell took in its newest run."""
    found: dict[str, float] = {}
    for _, report in itertools.islice(store.readable(project), 5):
        for cell in report.cells:
            if cell.state is State.PASSED:
                found.setdefault(cell.id, cell.seconds)
    return found


def _machine() -> str:
    memory = psutil.virtual_memory().total / 1024**3
    return (
        f"{machine.cores()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}"
    )
