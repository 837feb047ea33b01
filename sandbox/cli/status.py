"""`sandbox status`: ask every service now."""

from __future__ import annotations

import click

from sandbox.cli.session import Session, common_options
from sandbox.cli.shown import show_status
from sandbox.errors import ServiceNotHealthy


@click.command("status")
@common_options
def command(session: Session) -> None:
    """Show every service: address, process, restarts, what is wrong. Exit code 5 unless all is healthy."""
    status = session.backend.status(session.paths)
    if not status.is_up:
        session.terminal.result(status.as_json())
        raise ServiceNotHealthy(f"sandbox {session.paths.name} is not up", next_command="sandbox up")
    show_status(session, status)
    if not status.healthy:
        sick = ", ".join(service.name for service in status.services if not service.healthy)
        raise ServiceNotHealthy(f"not healthy: {sick}", next_command="sandbox up    (repairs what is broken)")
