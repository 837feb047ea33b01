"""`sandbox reset`: back to a clean state."""

from __future__ import annotations

import click

from sandbox import lifecycle
from sandbox.cli.session import Session, common_options


@click.command("reset")
@common_options
def command(session: Session) -> None:
    """Stop the sandbox and delete its tables, objects, history, credentials and logs."""
    lifecycle.reset(session.backend, session.paths, session.terminal)
    session.terminal.result({"schema": 1, "name": session.paths.name, "reset": True})
    session.terminal.say(f"sandbox {session.paths.name} is gone")
    session.terminal.hint("sandbox up")
