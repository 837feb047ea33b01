"""`sandbox report`: the last run of the matrix as a page, and in the forms that other tools read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from sandbox.cli.session import Session, common_options
from sandbox.console import table
from sandbox.report import render, store
from sandbox.report.integrity import KEY_VARIABLE, complaint
from sandbox.report.merge import merge
from sandbox.report.model import Report, json_schema


@click.command("report")
@click.argument("reports", nargs=-1, type=click.Path(path_type=Path))
@common_options
@click.option("--form", type=click.Choice([*render.FORMS]), help="Print this form on stdout instead of the table.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of report.json and do nothing else.")
def command(session: Session, reports: tuple[Path, ...], form: str | None, schema: bool) -> None:
    """Show the last report, or REPORTS (files or folders) merged into one; writes HTML, Markdown and JUnit XML."""
    if schema:
        click.echo(json.dumps(json_schema(), indent=1, sort_keys=True))
        return
    project = session.paths.project
    key = os.environ.get(KEY_VARIABLE, "")
    document = _chosen(project, reports, key)
    report, folder = store.read(document), document.parent
    files = render.write(report, project, folder)
    if form is not None:
        click.echo(files[form].read_text("utf-8"), nl=False)
        return
    session.terminal.result(report.model_dump(mode="json", by_alias=True))
    _show(session, report, files)
    if problem := complaint(report, key):
        session.terminal.note(f"this report cannot be trusted: {problem}")


def _chosen(project: Path, reports: tuple[Path, ...], key: str) -> Path:
    documents = [store.document(path) for path in reports or (store.latest(project),)]
    if len(documents) == 1 and documents[0].resolve().is_relative_to(store.runs_folder(project).resolve()):
        return documents[0]
    read = [(store.read(document), document.parent) for document in documents]
    folder = store.new_folder(project)
    written = store.write(merge(read, folder, key=key), folder)
    store.prune(project)
    return written


def _show(session: Session, report: Report, files: dict[str, Path]) -> None:
    rows = [
        (
            cell.id,
            cell.state.words,
            *(cell.counts.model_dump().values()),
            f"{cell.seconds:.0f} s",
            " ".join(cell.reason.split())[:100],
        )
        for cell in report.cells
    ]
    terminal = session.terminal
    terminal.show(table(("cell", "state", "passed", "failed", "skipped", "not run", "time", "why"), rows))
    terminal.say(f"cells: {report.cell_counts.words}")
    terminal.say(f"tests: {report.test_counts.words}")
    for name, file in files.items():
        terminal.say(f"{name:<9} {file}")
