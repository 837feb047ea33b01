"""The command group, and the one place where an error becomes an exit code."""

from __future__ import annotations

import errno
import importlib
import platform
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

import click

import sandbox
from sandbox import room
from sandbox.cli.groups import Group
from sandbox.errors import INTERRUPTED_EXIT_CODE, PrerequisiteMissing, SandboxError
from sandbox.paths import find_project

COMMANDS = {
    "quickstart": "quickstart",
    "up": "up",
    "reload": "reload",
    "down": "down",
    "status": "status",
    "logs": "logs",
    "run": "run",
    "sql": "sql",
    "validate": "validate",
    "env": "env",
    "database": "database",
    "reset": "reset",
    "plan": "plan",
    "config": "config",
    "doctor": "doctor",
    "archive": "archive",
    "runtimes": "runtimes",
    "bundle": "bundle",
    "images": "images",
    "matrix": "matrix",
    "report": "report",
    "gate": "gate",
    "init": "init",
}
"""Command -> module of this package, which holds a click command of the same name."""


CLUSTER_TOOLS = ("kubectl", "k9s", "helm")
"""No commands of ours: whoever types one is told the line that reaches the sandbox's cluster."""


class Verbs(Group):
    """The commands, each imported only when it is used: an import costs more than most commands take."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] in CLUSTER_TOOLS:
            from sandbox.cli.shown import cluster_tool

            raise cluster_tool(args[0], args[1:])
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"sandbox.cli.{COMMANDS[name]}").command
        return command


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(sandbox.__version__, prog_name="sandbox")
def group() -> None:
    """An Airflow 3 + S3 + Databricks data platform on this machine, offline."""


def crash_report(error: BaseException) -> str:
    """Write the versions and the traceback of an unforeseen error to a file; returns where they are."""
    versions = f"sandbox {sandbox.__version__}, Python {platform.python_version()}, {platform.platform()}"
    report = f"{versions}\n\n{''.join(traceback.format_exception(error))}"
    try:
        folder = find_project(Path.cwd()) / ".sandbox"
        folder.mkdir(exist_ok=True)
        file = folder / f"crash-{datetime.now(UTC):%Y%m%d-%H%M%S}.log"
        file.write_text(report, encoding="utf-8")
    except OSError as refused:
        return f"this is a bug of sandbox; no report could be written ({refused.strerror}):\n{report}"
    return f"this is a bug of sandbox; versions and traceback are in {file}"


def foreseen(error: OSError) -> SandboxError | None:
    """A full disk or a folder that may not be written, whichever file it was; None for anything else."""
    place = Path(error.filename).parent if isinstance(error.filename, str) else Path.cwd()
    if error.errno in room.FULL_ERRNOS:
        return room.disk_full(place, str(error))
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return PrerequisiteMissing(
            f"{error.filename or place} may not be written or read", why=str(error), next_command=f"ls -ld '{place}'"
        )
    return None


def main(arguments: list[str] | None = None) -> None:
    """The entry point of the `sandbox` script."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    from sandbox.console import Terminal

    terminal = Terminal()
    debug = "--debug" in (sys.argv if arguments is None else arguments)
    try:
        group.main(args=arguments, prog_name="sandbox", standalone_mode=False)
    except SandboxError as error:
        if debug:
            traceback.print_exc()
        terminal.error(error)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        terminal.err.print("interrupted")
        return INTERRUPTED_EXIT_CODE
    except BrokenPipeError:
        sys.stderr.close()  # nobody reads on: not an error of ours, and the interpreter must not complain at exit
        return 0
    except Exception as error:  # the last resort: a bug of ours must reach us with its facts
        if debug:
            traceback.print_exc()
        told = (foreseen(error) if isinstance(error, OSError) else None) or SandboxError(
            f"unforeseen: {type(error).__name__}: {error}", why=crash_report(error), next_command="sandbox doctor"
        )
        terminal.error(told)
        return told.exit_code
    return 0
