"""`sandbox plan`: everything `up` would do, without doing it."""

from __future__ import annotations

import click

from sandbox import ports
from sandbox.cli.session import Session, backend_option, common_options
from sandbox.console import table
from sandbox.plan import resolve
from sandbox.runtimes.store import locate


@click.command("plan")
@common_options
@backend_option
def command(session: Session) -> None:
    """Show which services `up` would start, in which runtimes, on which ports."""
    plan = resolve(session.config, session.paths)
    built = {need.name: locate(need) is not None for need in plan.runtimes}
    services = [
        {
            "name": service.name,
            "title": service.title,
            "runtimes": [{"name": need.name, "built": built[need.name]} for need in service.runtimes],
            "port": service.port,
            "port_free": ports.is_free(service.port) if service.port else None,
        }
        for service in plan.services
    ]
    session.terminal.result(
        {"schema": 1, "name": plan.name, "backend": plan.backend, "state": str(plan.paths.root), "services": services}
    )
    rows = [
        (
            service.title,
            ", ".join(need.name + ("" if built[need.name] else " (to build)") for need in service.runtimes),
            service.port,
            "" if service.port is None or ports.is_free(service.port) else "busy",
        )
        for service in plan.services
    ]
    session.terminal.say(f"sandbox {plan.name}, backend {plan.backend}, state in {plan.paths.root}")
    session.terminal.show(table(("service", "runtime", "port", ""), rows))
