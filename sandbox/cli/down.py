"""`sandbox down`: stop the sandbox; its data stays."""

from __future__ import annotations

import click

from sandbox import lifecycle
from sandbox.cli.session import Session, common_options


@click.command("down")
@common_options
def command(session: Session) -> None:
    """Stop everything and leave no process, port or lock behind.

    Tables, Airflow's history and logs stay; S3's objects are in memory and go (the next run lands them again).
    """
    stopped = lifecycle.down(session.backend, session.paths, session.terminal)
    session.terminal.result({"schema": 1, "name": session.paths.name, "stopped": stopped})
    if not stopped:
        session.terminal.say(f"sandbox {session.paths.name} is not up")
