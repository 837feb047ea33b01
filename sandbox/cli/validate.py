"""`sandbox validate`: import every DAG, check how DAGs, bundle, notebooks and settings fit; say file:line."""

from __future__ import annotations

import dataclasses
import os
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sandbox.cli.session import Session, common_options
from sandbox.console import table
from sandbox.errors import ConfigurationError, TestsFailed
from sandbox.wiring.dag_import import ImportReport, ask_resident, environment, run_once

if TYPE_CHECKING:
    from sandbox.runtimes.store import Runtime, RuntimeRequest
    from sandbox.wiring.check import Verdict
    from sandbox.wiring.findings import Finding


def _runtimes(session: Session, *requests: RuntimeRequest) -> dict[str, Runtime]:
    from sandbox.runtimes.build import ensure
    from sandbox.runtimes.project_locks import locked

    own = session.paths.project / session.config.airflow.locks
    return ensure(locked(requests, own), progress=session.terminal)


def _import_by(session: Session, request: RuntimeRequest) -> ImportReport:
    """Import the DAG files in a row's own runtime."""
    from sandbox.backends.process import link_package
    from sandbox.backends.process_environment import clean_environment

    dags = session.paths.project / session.config.project.dags
    if not dags.is_dir():
        raise ConfigurationError(f"there is no folder {dags} (project.dags)", next_command="sandbox config")
    interpreter = _runtimes(session, request)[request.name].python
    link_package(session.paths)
    known = clean_environment(os.environ) | environment(session.config, session.paths.project)
    return run_once(interpreter, session.paths.package_link, dags, known)


def _import_now(session: Session) -> ImportReport:
    # only the cold way needs the runtimes and the backends
    from sandbox.services.airflow_row import airflow_request

    session.terminal.note(
        "no prefork launcher is up: Airflow is imported for this one check (by one that is up it takes under a second)"
    )
    return _import_by(session, airflow_request(session.config))


def _check(session: Session, row: str | None) -> tuple[ImportReport, Verdict]:
    question = ask_resident(session.paths.runtime / "validate.sock")
    # while Airflow imports the DAGs over there, everything else is read here
    from sandbox.wiring.check import check
    from sandbox.wiring.facts import gather
    from sandbox.wiring.memory import Memory
    from sandbox.wiring.settings import WiringSettings, signature

    memory = Memory.read(session.paths.root / "wiring.json")
    present = signature(session.paths.project, os.environ)
    if memory.settings is None or memory.signature != present:
        memory.remember(WiringSettings.of(session.config), present)
    assert memory.settings is not None
    facts = gather(session.paths.project, memory.settings, os.environ, memory)
    memory.write()
    report = (question.answer() if question else None) or _import_now(session)
    return report, check(facts, report, further=_upgrade(session, row, report) if row else ())


def _upgrade(session: Session, row: str, present: ImportReport) -> list[Finding]:
    """What the row would break."""
    from sandbox.runtimes.store import RuntimeRequest
    from sandbox.services.airflow_row import airflow_request
    from sandbox.wiring.upgrade import RUFF, compare, row_spec, run_ruff

    spec = row_spec(row)
    request = dataclasses.replace(airflow_request(session.config), name=spec.name)
    ruff = _runtimes(session, request, RuntimeRequest(name=RUFF))[RUFF].python.with_name("ruff")
    found = list(compare(present, _import_by(session, request), spec.name))
    return found + run_ruff(ruff, session.paths.project / session.config.project.dags, spec)


def _lines(findings: tuple[Finding, ...]) -> list[str]:
    root = Path("/")
    return [
        f"/{finding.place.shown(root)}: {finding.message}\n    {finding.rule}: {finding.hint}" for finding in findings
    ]


def _result(report: ImportReport, verdict: Verdict, row: str | None, seconds: float) -> dict[str, Any]:
    return {
        "schema": 1,
        **dataclasses.asdict(report),
        "row": row,
        "findings": [finding.as_json() for finding in verdict.findings],
        "skipped": verdict.skipped,
        "ignored": verdict.ignored,
        "total_seconds": seconds,
    }


@click.command("validate")
@click.option("--row", metavar="ROW", help="Also say what this Airflow row would break, e.g. 3.3.2-py3.13.")
@common_options
def command(session: Session, row: str | None) -> None:
    """Import every DAG file as Airflow does, and check the wiring; exit code 1 when there is an error."""
    begun = time.monotonic()
    if row is not None:
        from sandbox.wiring.upgrade import row_spec

        row = row_spec(row).name
    report, verdict = _check(session, row)
    seconds = round(time.monotonic() - begun, 2)
    session.terminal.result(_result(report, verdict, row, seconds))
    for warning in report.warnings:
        session.terminal.note(f"{warning.get('file', '')}: {warning['message']}")
    for line in _lines(verdict.warnings):
        session.terminal.note(f"warning: {line}")
    for rule, reason in verdict.skipped.items():
        session.terminal.note(f"{rule} was not checked: {reason}")
    rows = [(dag["dag_id"], dag["schedule"], len(dag["tasks"]), dag["file"]) for dag in report.dags]
    session.terminal.show(table(("dag", "schedule", "tasks", "file"), rows))
    if verdict.errors:
        count = len(verdict.errors)
        raise TestsFailed(
            f"validate found {count} error{'s' if count > 1 else ''} ({seconds} s)",
            why="\n".join(_lines(verdict.errors)),
            next_command=f"$EDITOR {shlex.quote(str(verdict.errors[0].place.file))}",
        )
    there = f", {row} breaks nothing" if row else ""
    session.terminal.say(f"{len(rows)} DAGs import, the wiring fits{there}{_beside(verdict)}; {seconds} s")


def _beside(verdict: Verdict) -> str:
    counts = {"warnings": len(verdict.warnings), "ignored": verdict.ignored}
    said = [f"{count} {word}" for word, count in counts.items() if count]
    return f" ({', '.join(said)})" if said else ""
