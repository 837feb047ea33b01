"""`sandbox validate`: import every DAG, check how DAGs, bundle, notebooks and settings fit; say file:line."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sandbox.cli.session import Session, common_options
from sandbox.console import table
from sandbox.errors import ConfigurationError, TestsFailed
from sandbox.wiring.dag_import import ImportReport, ask_resident, run_once

if TYPE_CHECKING:
    from sandbox.wiring.check import Verdict
    from sandbox.wiring.findings import Finding


def _import_now(session: Session) -> ImportReport:
    # only the cold way needs the runtimes and the backends
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


def _check(session: Session) -> tuple[ImportReport, Verdict]:
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
    return report, check(facts, report)


def _lines(findings: tuple[Finding, ...]) -> list[str]:
    here = Path("/")
    return [
        f"/{finding.place.shown(here)}: {finding.message}\n    {finding.rule}: {finding.hint}" for finding in findings
    ]


@click.command("validate")
@common_options
def command(session: Session) -> None:
    """Import every DAG file as Airflow does, and check the wiring; exit code 1 when there is an error."""
    begun = time.monotonic()
    report, verdict = _check(session)
    seconds = round(time.monotonic() - begun, 2)
    session.terminal.result(
        {
            "schema": 1,
            **dataclasses.asdict(report),
            "findings": [finding.as_json() for finding in verdict.findings],
            "skipped": verdict.skipped,
            "ignored": verdict.ignored,
            "total_seconds": seconds,
        }
    )
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
            next_command=f"$EDITOR {verdict.errors[0].place.file}",
        )
    ignored = f", {verdict.ignored} ignored" if verdict.ignored else ""
    session.terminal.say(
        f"{len(rows)} DAGs import, the wiring fits ({len(verdict.warnings)} warnings{ignored}); {seconds} s"
    )
