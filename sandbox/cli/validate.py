"""`sandbox validate`: import every DAG, say file:line of what is wrong."""

from __future__ import annotations

import dataclasses
import os
import time

import click

from sandbox.cli.session import Session, common_options
from sandbox.console import table
from sandbox.errors import ConfigurationError, TestsFailed
from sandbox.wiring.dag_import import ImportReport, ask_resident, run_once


def _report(session: Session) -> ImportReport:
    report = ask_resident(session.paths.runtime / "validate.sock")
    if report is not None:
        return report
    # only the cold way needs the configuration, the runtimes and the backends
    from sandbox.backends.process import clean_environment, link_package
    from sandbox.plan import resolve
    from sandbox.runtimes.build import ensure

    dags = session.paths.project / session.config.project.dags
    if not dags.is_dir():
        raise ConfigurationError(f"there is no folder {dags} (project.dags)", next_command="sandbox config")
    plan = resolve(session.config, session.paths)
    row = next(request for request in plan.runtimes if request.spec.is_airflow)
    interpreter = ensure([row], progress=session.terminal)[row.name].python
    session.terminal.note(
        "no prefork launcher is up: Airflow is imported for this one check (by one that is up it takes under a second)"
    )
    link_package(session.paths)
    return run_once(interpreter, session.paths.package_link, dags, clean_environment(os.environ))


@click.command("validate")
@common_options
def command(session: Session) -> None:
    """Import every DAG file as Airflow's dag-processor does; exit code 1 when one does not import."""
    begun = time.monotonic()
    report = _report(session)
    seconds = round(time.monotonic() - begun, 2)
    session.terminal.result({"schema": 1, **dataclasses.asdict(report), "total_seconds": seconds})
    for warning in report.warnings:
        session.terminal.note(f"{warning.get('file', '')}: {warning['message']}")
    if report.import_errors:
        places = [f"{error['file']}:{error['line'] or 1}: {error['message']}" for error in report.import_errors]
        raise TestsFailed(
            f"{len(places)} DAG file{'s' if len(places) > 1 else ''} did not import ({seconds} s)",
            why="\n".join(places),
            next_command=f"$EDITOR {report.import_errors[0]['file']}",
        )
    rows = [(dag["dag_id"], dag["schedule"], len(dag["tasks"]), dag["file"]) for dag in report.dags]
    session.terminal.show(table(("dag", "schedule", "tasks", "file"), rows))
    session.terminal.say(f"{len(rows)} DAGs import; {seconds} s")
