"""A whole run of the matrix: what can run here, its runtimes, all cells, the report."""

from __future__ import annotations

import itertools
import os
import platform
import shlex
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

import sandbox
from sandbox.artefacts import decisive
from sandbox.backends import BACKENDS, LogSource
from sandbox.config import Config
from sandbox.errors import SandboxError
from sandbox.matrix import machine, runner, tenancy
from sandbox.matrix.cell import Cell
from sandbox.matrix.model import Matrix
from sandbox.matrix.provision import lacks, provide
from sandbox.matrix.runner import Job, Running
from sandbox.matrix.schedule import Limits, Watcher, not_run, run_all
from sandbox.matrix.settings import environment, obstacle, set_by_the_shell
from sandbox.paths import StatePaths
from sandbox.progress import Progress, Silent
from sandbox.report import render, source, store
from sandbox.report.integrity import sealed
from sandbox.report.model import CellResult, File, Report, State, TestResult

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
    taking_part = tested(matrix, project, config)
    before = source.look(project, taking_part)
    folder = store.new_folder(project)
    jobs = [_job(matrix, cell, project, folder, config, options) for cell in cells]
    tenancy.remove_leftovers(project, progress)
    unable = {job.cell.id: why for job in jobs if (why := obstacle(job.cell, lacks, java_home=config.engine.java_home))}
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
    results += run_all(able, work=lambda running: run_cell(running, attempts), limits=limits, watcher=watcher)
    order = [cell.id for cell in cells]
    report = sealed(
        Report(
            id=folder.name,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            tool_version=sandbox.__version__,
            selection=options.selection,
            source=source.both(before, source.look(project, taking_part)),
            inputs=source.digests(decisive(config, project)),
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


def tested(matrix: Matrix, project: Path, config: Config) -> list[Path]:
    """The files and folders that decide what the cells find: the artefacts, the tests, and their conftest files."""
    found = [*decisive(config, project).values()]
    for test in dict.fromkeys(test for cell in matrix.cells for test in matrix.tests(cell)):
        path = project / test.partition("::")[0]
        found.append(path)
        found += [folder / "conftest.py" for folder in path.parents if folder.is_relative_to(project)]
    return list(dict.fromkeys(found))


def _job(matrix: Matrix, cell: Cell, project: Path, folder: Path, config: Config, options: Options) -> Job:
    rerun = f"sandbox matrix run {cell.id}"
    return Job(
        cell=cell,
        project=project,
        folder=folder / cell.id,
        tests=options.tests or matrix.tests(cell),
        limit_seconds=matrix.limit_seconds(cell),
        settings=(settings := environment(cell, config.airflow.providers)),
        variables=set_by_the_shell(settings, os.environ),
        rerun=rerun + "".join(f" --tests {shlex.quote(test)}" for test in options.tests),
    )


def run_cell(running: Running, attempts: int) -> CellResult:
    """Run a cell on a new sandbox, and leave none; again, when it failed and may be tried again."""
    job = running.job
    retried: list[TestResult] = []
    files: list[File] = []
    for attempt in range(1, attempts + 1):
        result = _attempt(running).model_copy(update={"attempts": attempt})
        if result.state is not State.FAILED or running.stopped or attempt == attempts:
            break
        kept = job.folder.with_name(f"{job.cell.id}.attempt-{attempt}")
        job.folder.rename(kept)
        retried += [test for test in result.tests if test.state in (State.FAILED, State.NOT_RUN)]
        files += [_moved(file, job.folder.name, kept.name) for file in result.files]
        running.progress = type(running.progress)(file=running.progress.file)
    return result.model_copy(
        update={
            "flaky": result.state in (State.PASSED, State.SKIPPED) and result.attempts > 1,
            "retried": tuple(retried),
            "files": (*result.files, *files),
        }
    )


def _moved(file: File, old: str, new: str) -> File:
    """A file of an attempt in the folder that the attempt has now."""
    path = Path(file.path)
    if path.parts[0] != old:
        return file
    return file.model_copy(update={"path": Path(new, *path.parts[1:]).as_posix(), "title": f"{file.title} ({new})"})


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
