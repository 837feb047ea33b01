"""`sandbox doctor`: what is missing on this machine."""

from __future__ import annotations

import dataclasses

import click

from sandbox.cli.session import Session, backend_option, common_options, context_option
from sandbox.console import table
from sandbox.doctor import examine
from sandbox.errors import PrerequisiteMissing
from sandbox.plan import resolve


@click.command("doctor")
@common_options
@backend_option
@context_option
def command(session: Session) -> None:
    """Check this machine: Pythons, runtimes, disk, memory, ports. Exit code 4 when something is missing."""
    findings = examine(resolve(session.config, session.paths))
    session.terminal.result({"schema": 1, "findings": [dataclasses.asdict(finding) for finding in findings]})
    rows = [("ok" if item.ok else "MISSING", item.name, item.detail, item.mend) for item in findings]
    session.terminal.show(table(("", "check", "found", "next"), rows))
    lacking = [item for item in findings if not item.ok]
    if lacking:
        raise PrerequisiteMissing(
            f"this machine lacks: {', '.join(item.name for item in lacking)}",
            why="\n".join(item.detail for item in lacking),
            next_command=lacking[0].mend,
        )
