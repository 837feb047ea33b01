"""`sandbox reload`: make changed settings live, and start services anew."""

from __future__ import annotations

import click

from sandbox import lifecycle
from sandbox.cli.session import Session, common_options
from sandbox.cli.shown import show_status
from sandbox.errors import NothingSelected, ServiceNotHealthy


@click.command("reload")
@click.argument("services", nargs=-1)
@common_options
def command(session: Session, services: tuple[str, ...]) -> None:
    """Apply sandbox.toml to the running sandbox, and restart SERVICES also where nothing has changed for them."""
    status = session.backend.status(session.paths)
    if not status.is_up:
        raise ServiceNotHealthy(f"sandbox {session.paths.name} is not up", next_command="sandbox up")
    known = [service.name for service in status.services]
    if unknown := [name for name in services if name not in known]:
        raise NothingSelected(
            f"there is no service {unknown[0]!r}",
            why=f"services: {', '.join(known)}",
            next_command="sandbox reload airflow",
        )
    show_status(session, lifecycle.reload(session.loaded, session.paths, services, session.terminal))
