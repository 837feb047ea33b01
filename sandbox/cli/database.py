"""`sandbox database`: backups of Airflow's metadata database on Kubernetes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from sandbox.cli.session import Session, common_options
from sandbox.console import table

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.backends.kind_tools import Tools


def _release(session: Session) -> tuple[Tools, Path]:
    """The tools aimed at the release, and the chart that it was installed from."""
    from sandbox.backends import marker, tools_of
    from sandbox.errors import ConfigurationError

    name = marker.read(session.paths)
    tools = tools_of(name, session.paths)
    if tools is None:
        raise ConfigurationError(
            f"sandbox {session.paths.name} is on the {name} backend, which makes no backups",
            why="the chart's CronJobs make them: backend kind, or a cluster of your own by --context",
            next_command="sandbox up --backend kind",
        )
    return tools, session.paths.root / "chart"


@click.group("database")
def command() -> None:
    """Back up and restore Airflow's metadata database (backend kind, or a cluster by --context)."""


@command.command("backup")
@common_options
def backup(session: Session) -> None:
    """Dump the database into the bucket of the chart's setting backup.bucket, now."""
    from sandbox.backends import kind_database

    tools, _ = _release(session)
    begun = time.monotonic()
    dump = kind_database.backup(tools, session.terminal)
    seconds = round(time.monotonic() - begun, 1)
    session.terminal.result({"schema": 1, "dump": dump.address, "size_bytes": dump.size_bytes, "seconds": seconds})
    session.terminal.say(f"{dump.address}: {dump.size_bytes} bytes")
    session.terminal.hint("sandbox database restore")


@command.command("list")
@common_options
def list_dumps(session: Session) -> None:
    """Show the dumps in the bucket, the oldest first."""
    from sandbox.backends import kind_database

    tools, _ = _release(session)
    keys = kind_database.dumps(tools)
    session.terminal.result({"schema": 1, "dumps": keys})
    session.terminal.show(table(("dump",), [(key,) for key in keys]))


@command.command("restore")
@common_options
@click.argument("key", default="")
def restore(session: Session, key: str) -> None:
    """Stop Airflow, put the dump KEY (default: the newest) in place of its database, start it again."""
    from sandbox.backends import kind_database
    from sandbox.lifecycle import exclusive, until_healthy

    tools, chart = _release(session)
    begun = time.monotonic()
    with exclusive(session.paths, session.terminal):
        restored = kind_database.restore(tools, chart, key, session.terminal)
        limit = session.config.limits.up_seconds
        until_healthy(session.backend, session.paths, session.terminal, timeout_seconds=limit)
    seconds = round(time.monotonic() - begun, 1)
    session.terminal.result({"schema": 1, "dump": restored, "seconds": seconds})
    session.terminal.say(f"restored {restored} in {seconds:.0f} s")
