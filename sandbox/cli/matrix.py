"""`sandbox matrix`: the cells, and their runs side by side."""

from __future__ import annotations

import importlib.util
import os
import shlex
import signal
import sys
from pathlib import Path

import click

from sandbox.cli.groups import Group
from sandbox.cli.session import Session, common_options
from sandbox.console import paste_able, table
from sandbox.errors import NothingSelected, PrerequisiteMissing, TestsFailed
from sandbox.matrix import campaign
from sandbox.matrix.board import Board, explain
from sandbox.matrix.campaign import Options
from sandbox.matrix.cell import Cell
from sandbox.matrix.model import Matrix, load
from sandbox.matrix.provision import lacks
from sandbox.matrix.schedule import INTERRUPTED
from sandbox.matrix.selection import select
from sandbox.matrix.settings import obstacle
from sandbox.report import store
from sandbox.report.integrity import KEY_VARIABLE
from sandbox.report.model import Report, State
from sandbox.runtimes.tool_env import MARKER


def read(session: Session) -> Matrix:
    """The project's matrix."""
    return load(session.paths.project / session.config.project.matrix)


@click.group("matrix", cls=Group)
def command() -> None:
    """List the cells of the test matrix, or run them side by side."""


@command.command("list")
@click.argument("selection", nargs=-1)
@common_options
@click.option("--group", "groups", multiple=True, help="Only cells of this group; may be repeated.")
def list_command(session: Session, selection: tuple[str, ...], groups: tuple[str, ...]) -> None:
    """Show the cells that SELECTION means (ids, patterns, or terms such as 'airflow>=3.1,engine=sail')."""
    matrix = read(session)
    cells = select(matrix, selection, groups)
    obstacles = {cell.id: obstacle(cell, lacks, java_home=session.config.engine.java_home) for cell in cells}
    session.terminal.result(
        {
            "schema": 1,
            "groups": dict(matrix.groups),
            "cells": [
                {
                    "id": cell.id,
                    **cell.axes,
                    "groups": list(cell.groups),
                    "purpose": cell.purpose,
                    "tests": list(matrix.tests(cell)),
                    "limit_seconds": matrix.limit_seconds(cell),
                    "memory_mib": cell.expected_memory_mib,
                    "obstacle": obstacles[cell.id],
                }
                for cell in cells
            ],
        }
    )
    rows = [(cell.id, ", ".join(cell.groups), cell.purpose, obstacles[cell.id] or "yes") for cell in cells]
    session.terminal.show(table(("cell", "groups", "purpose", "runs here"), rows))


@command.command("run")
@click.argument("selection", nargs=-1)
@common_options
@click.option("--group", "groups", multiple=True, help="Only cells of this group; may be repeated.")
@click.option("--jobs", "-j", type=click.IntRange(min=1), help="Cells at once; default: one per core.")
@click.option("--fail-fast", is_flag=True, help="End everything with the first cell that fails.")
@click.option("--retry-failed", is_flag=True, help="Run a cell that failed once more; one that passes then is flaky.")
@click.option("--last-failed", is_flag=True, help="Only cells that did not pass in the last run.")
@click.option("--here", is_flag=True, help="Let cells that this machine cannot run count as not run, not as a failure.")
@click.option("--tests", "tests", multiple=True, metavar="PATH", help="Run these tests instead; may be repeated.")
def run_command(
    session: Session,
    selection: tuple[str, ...],
    groups: tuple[str, ...],
    jobs: int | None,
    fail_fast: bool,
    retry_failed: bool,
    last_failed: bool,
    here: bool,
    tests: tuple[str, ...],
) -> None:
    """Run the tests of the cells that SELECTION means, side by side, each on a sandbox of its own."""
    _need_pytest(session.paths.project)
    matrix = read(session)
    cells = select(matrix, selection, groups)
    if last_failed:
        cells = _not_passed(session, cells)
    options = Options(
        jobs=jobs,
        fail_fast=fail_fast,
        retry_failed=retry_failed,
        tests=tests,
        selection=(*selection, *(f"--group {group}" for group in groups), *(["--last-failed"] if last_failed else [])),
        key=os.environ.get(KEY_VARIABLE, ""),
    )
    terminal = session.terminal
    _end_as_with_ctrl_c()
    with Board([cell.id for cell in cells], terminal.err, quiet=terminal.quiet) as board:
        report, folder = campaign.run(
            matrix,
            cells,
            project=session.paths.project,
            config=session.config,
            options=options,
            progress=terminal,
            board=board.opened,
        )
    terminal.result(report.model_dump(mode="json", by_alias=True))
    _conclude(session, report, folder, here=here)


def _end_as_with_ctrl_c() -> None:
    """A CI system's cancel and a closed terminal, too, take the sandboxes down and leave a report."""
    for ending in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(ending) is not signal.SIG_IGN:  # nohup
            signal.signal(ending, signal.default_int_handler)


def _need_pytest(project: Path) -> None:
    if importlib.util.find_spec("pytest") is None:
        raise PrerequisiteMissing(
            "pytest is not installed beside the tool",
            why=f"the cells' tests run with {sys.executable}",
            next_command=_with_pytest(project),
        )


def _with_pytest(project: Path) -> str:
    """How pytest comes beside the tool: in a checkout of the tool from its lock, elsewhere as any package."""
    environment = Path(sys.prefix)
    if not (environment / MARKER).is_file():
        return f"{sys.executable} -m uv pip install --python {sys.executable} pytest"
    checkout = environment.parent
    return "make dev" if checkout == project else f"make -C {shlex.quote(str(checkout))} dev"


def _not_passed(session: Session, cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    report = store.read(store.latest(session.paths.project))
    passed = {cell.id for cell in report.cells if cell.state is State.PASSED}
    ran = {cell.id for cell in report.cells}
    chosen = tuple(cell for cell in cells if cell.id in ran - passed)
    if not chosen:
        raise NothingSelected(f"every cell of the last run ({report.id}) passed", next_command="sandbox report")
    return chosen


def _conclude(session: Session, report: Report, folder: Path, *, here: bool) -> None:
    terminal = session.terminal
    terminal.say(f"cells: {report.cell_counts.words}")
    terminal.say(f"tests: {report.test_counts.words}")
    terminal.say(f"{report.seconds:.0f} s, {report.jobs} at once; report: {folder / 'report.html'}")
    if any(cell.reason == INTERRUPTED for cell in report.cells):
        raise KeyboardInterrupt
    tolerated = {State.PASSED, *([State.NOT_RUN] if here else [])}
    wrong = [cell for cell in report.cells if cell.state not in tolerated]
    if here and not report.cell_counts.passed:
        wrong = list(report.cells)
    if wrong:
        raise TestsFailed(
            f"{len(wrong)} of {len(report.cells)} cells did not pass",
            why=explain(wrong, paste_able),
            next_command="sandbox report",
        )
