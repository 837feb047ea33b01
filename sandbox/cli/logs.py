"""`sandbox logs`: the logs of one or all services."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sandbox.cli.session import Session, common_options
from sandbox.errors import NothingSelected

if TYPE_CHECKING:
    from sandbox.backends import CommandLog, FileLog, LogSource

FOLLOW_INTERVAL_SECONDS = 0.3


def _last_lines(file: Path, lines: int) -> tuple[list[str], int]:
    """The last lines of a file, and how far it was read."""
    data = file.read_bytes()
    return _end(data.decode(errors="replace"), lines), len(data)


def _end(text: str, lines: int) -> list[str]:
    return text.splitlines()[-lines:] if lines else []  # [-0:] would be all of them


def _printed(log: CommandLog, lines: int) -> list[str]:
    """The last lines that a command prints; of one that fails, its complaint."""
    argv = log.command(lines, follow=False)
    done = subprocess.run(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ | dict(log.env), check=False
    )
    return _end(done.stdout.decode(errors="replace"), lines)


def _follow_files(session: Session, logs: Sequence[FileLog], positions: dict[Path, int], prefixed: bool) -> None:
    while True:
        for log in logs:
            position = positions.get(log.path, 0)
            size = log.path.stat().st_size if log.path.exists() else 0
            if size == position:
                continue
            with log.path.open("rb") as stream:
                stream.seek(position if size > position else 0)  # a smaller file is a new one
                text = stream.read()
            positions[log.path] = size
            _say(session, log, text.decode(errors="replace").splitlines(), prefixed)
        time.sleep(FOLLOW_INTERVAL_SECONDS)


def _follow_commands(session: Session, logs: Sequence[CommandLog], prefixed: bool) -> None:
    """Print what each command goes on printing, until all have ended."""

    def read(log: CommandLog, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            _say(session, log, [line.decode(errors="replace").rstrip()], prefixed)

    processes = [
        subprocess.Popen(
            log.command(0, follow=True),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | dict(log.env),
        )
        for log in logs
    ]
    threads = [threading.Thread(target=read, args=each, daemon=True) for each in zip(logs, processes, strict=True)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        for process in processes:
            process.terminate()


def _say(session: Session, log: LogSource, lines: Sequence[str], prefixed: bool) -> None:
    for line in lines:
        session.terminal.say(f"{log.title}: {line}" if prefixed else line)


@click.command("logs")
@click.argument("service", required=False)
@common_options
@click.option("--follow", "-f", is_flag=True, help="Go on printing what is written.")
@click.option("--lines", "-n", default=50, show_default=True, help="How many lines of each log.")
def command(session: Session, service: str | None, follow: bool, lines: int) -> None:
    """Print the logs of SERVICE, or of all services."""
    from sandbox.backends import CommandLog, FileLog

    known = session.backend.logs(session.paths)
    if service is not None and service not in known:
        raise NothingSelected(
            f"there is no service {service!r}", why=f"services: {', '.join(known)}", next_command="sandbox logs airflow"
        )
    logs = [log for name in known if service in (None, name) for log in known[name]]
    files = [log for log in logs if isinstance(log, FileLog) and (follow or log.path.exists())]
    commands = [log for log in logs if isinstance(log, CommandLog)]
    if not files and not commands:
        raise NothingSelected("there are no logs yet", next_command="sandbox up")
    prefixed = len(files) + len(commands) > 1
    positions: dict[Path, int] = {}
    shown: dict[str, list[str]] = {}
    for file in files:
        shown[file.title], positions[file.path] = _last_lines(file.path, lines) if file.path.exists() else ([], 0)
        _say(session, file, shown[file.title], prefixed)
    for printed in commands:
        shown[printed.title] = _printed(printed, lines)
        _say(session, printed, shown[printed.title], prefixed)
    session.terminal.result({"schema": 1, "logs": shown})
    if follow and commands:
        _follow_commands(session, commands, prefixed)
    elif follow:
        _follow_files(session, files, positions, prefixed)
