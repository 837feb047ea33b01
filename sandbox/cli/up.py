"""`sandbox up`: start the sandbox, or repair it."""

from __future__ import annotations

import click

from sandbox import lifecycle
from sandbox.cli.session import Session, backend_option, common_options, context_option
from sandbox.cli.shown import show_status


@click.command("up")
@common_options
@backend_option
@context_option
@click.option("--keep", is_flag=True, help="Leave what was started when something fails or Ctrl-C is pressed.")
def command(session: Session, keep: bool) -> None:
    """Start the sandbox and wait until it is healthy; repair what is broken."""
    status = lifecycle.up(session.loaded, session.paths, session.terminal, keep=keep)
    show_status(session, status)
    session.terminal.say()
    session.terminal.hint("sandbox run", "sandbox down")
