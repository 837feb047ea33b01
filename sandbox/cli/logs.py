"""`sandbox logs`: the logs of one or all services."""

from __future__ import annotations

import time
from pathlib import Path

import click

from sandbox.cli.session import Session, common_options
from sandbox.errors import NothingSelected

FOLLOW_INTERVAL_SECONDS = 0.3


def _last_lines(file: Path, lines: int) -> tuple[list[str], int]:
    """The last lines of a file, and how far it was read."""
    data = file.read_bytes()
    return data.decode(errors="replace").splitlines()[-lines:], len(data)


def _follow(session: Session, positions: dict[Path, int], prefixed: bool) -> None:
    while True:
        for file, position in positions.items():
            size = file.stat().st_size if file.exists() else 0
            if size == position:
                continue
            with file.open("rb") as stream:
                stream.seek(position if size > position else 0)  # a smaller file is a new one
                text = stream.read()
            positions[file] = size
            for line in text.decode(errors="replace").splitlines():
                session.terminal.say(f"{file.stem}: {line}" if prefixed else line)
        time.sleep(FOLLOW_INTERVAL_SECONDS)


@click.command("logs")
@click.argument("service", required=False)
@common_options
@click.option("--follow", "-f", is_flag=True, help="Go on printing what is written.")
@click.option("--lines", "-n", default=50, show_default=True, help="How many lines of each log.")
def command(session: Session, service: str | None, follow: bool, lines: int) -> None:
    """Print the logs of SERVICE, or of all services."""
    known = session.backend.log_files(session.paths)
    if service is not None and service not in known:
        raise NothingSelected(
            f"there is no service {service!r}", why=f"services: {', '.join(known)}", next_command="sandbox logs airflow"
        )
    chosen = [name for name in known if service in (None, name)]
    files = [file for name in chosen for file in known[name] if follow or file.exists()]
    if not files:
        raise NothingSelected("there are no logs yet", next_command="sandbox up")
    positions: dict[Path, int] = {}
    shown: dict[str, list[str]] = {}
    for file in files:
        shown[file.stem], positions[file] = _last_lines(file, lines) if file.exists() else ([], 0)
        for line in shown[file.stem]:
            session.terminal.say(f"{file.stem}: {line}" if len(files) > 1 else line)
    session.terminal.result({"schema": 1, "logs": shown})
    if follow:
        _follow(session, positions, prefixed=len(files) > 1)
