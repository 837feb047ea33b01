"""`sandbox runtimes`: the locked environments in which the services run."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from sandbox.cli.groups import Group
from sandbox.cli.matrix import read
from sandbox.cli.session import Session, common_options
from sandbox.console import table
from sandbox.errors import PrerequisiteMissing
from sandbox.matrix.settings import own_runtimes
from sandbox.plan import resolve
from sandbox.runtimes.build import ensure
from sandbox.runtimes.inventory import State, list_runtimes, prune
from sandbox.runtimes.store import RuntimeRequest
from sandbox.runtimes.verify import Verdict, remove_damaged, verify


def _mebibytes(size: int | None) -> str:
    return "" if not size else f"{size / 1024**2:.0f} MiB"


@click.group("runtimes", cls=Group)
def command() -> None:
    """List, build, lock, verify or prune the locked environments of the services."""


@command.command("list")
@common_options
def list_command(session: Session) -> None:
    """Show every runtime: the Python that it needs, whether it is built, its size."""
    found = list_runtimes()
    session.terminal.result({"schema": 1, "runtimes": [dataclasses.asdict(item) for item in found]})
    rows = [
        (item.name, item.state, item.python_version, _mebibytes(item.size_bytes), item.purpose, item.path)
        for item in found
    ]
    session.terminal.show(table(("runtime", "state", "python", "size", "purpose", "path"), rows))


@command.command("build")
@click.argument("names", nargs=-1)
@common_options
@click.option("--offline", is_flag=True, help="Use what is in uv's cache only.")
@click.option("--bundle", type=click.Path(file_okay=False, path_type=Path), help="Install from this bundle only.")
def build_command(session: Session, names: tuple[str, ...], offline: bool, bundle: Path | None) -> None:
    """Build NAMES (default: what `up` needs)."""
    wanted: list[str | RuntimeRequest] = [*names] or [*resolve(session.config, session.paths).runtimes]
    built = ensure(wanted, progress=session.terminal, offline=offline, bundle=bundle)
    session.terminal.result({name: str(runtime.path) for name, runtime in built.items()})
    session.terminal.show(table(("runtime", "path"), [(name, runtime.path) for name, runtime in built.items()]))


@command.command("lock")
@common_options
@click.option("--upgrade", is_flag=True, help="Take the newest versions instead of those that still fit.")
def lock_command(session: Session, upgrade: bool) -> None:
    """Write the locks of the project's own runtimes: rows with additions, of sandbox.toml and of each cell."""
    from sandbox.runtimes.project_locks_write import write

    project, config = session.paths.project, session.config
    requests = [*resolve(config, session.paths).runtimes]
    if (project / config.project.matrix).is_file():
        requests += own_runtimes(read(session), project, config)
    written = write(requests, project / config.airflow.locks, upgrade=upgrade, progress=session.terminal)
    session.terminal.result({"schema": 1, "locks": [dataclasses.asdict(lock) for lock in written]})
    rows = [(lock.file.relative_to(project), ", ".join(lock.additions), lock.words) for lock in written]
    session.terminal.show(table(("lock", "additions", ""), rows))
    if not written:
        session.terminal.say("no runtime of this project has packages or providers of its own: nothing to lock")


@command.command("verify")
@click.argument("names", nargs=-1)
@common_options
@click.option("--repair", is_flag=True, help="Remove the damaged ones, also from uv's cache, and build them anew.")
def verify_command(session: Session, names: tuple[str, ...], repair: bool) -> None:
    """Check the files of the built runtimes against their packages' hashes."""
    chosen = list(names) or [item.name for item in list_runtimes() if item.state is State.BUILT]
    verdicts: list[Verdict] = []
    for name in chosen:
        with session.terminal.step(f"verify {name}") as step:
            found = verify(name)
            verdicts += found
            step.done(f"{sum(verdict.files for verdict in found)} files")
    session.terminal.result({"schema": 1, "verdicts": [dataclasses.asdict(verdict) for verdict in verdicts]})
    broken = [verdict for verdict in verdicts if not verdict.sound]
    if broken and repair:
        for verdict in broken:
            remove_damaged(verdict)
        ensure(dict.fromkeys(verdict.name for verdict in broken), progress=session.terminal)
    elif broken:
        raise PrerequisiteMissing(
            f"{len(broken)} of {len(verdicts)} runtimes are damaged",
            why="\n".join(f"{verdict.name}: {line}" for verdict in broken for line in verdict.problems[:10]),
            next_command="sandbox runtimes verify --repair",
        )


@command.command("prune")
@common_options
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def prune_command(session: Session, dry_run: bool) -> None:
    """Remove the runtimes that no lock describes any more, and what killed builds left."""
    found = prune(dry_run=dry_run)
    session.terminal.result({"schema": 1, "pruned": [dataclasses.asdict(item) for item in found]})
    rows = [
        (item.name, _mebibytes(item.size_bytes), item.kept_because or ("would go" if dry_run else "removed"), item.path)
        for item in found
    ]
    session.terminal.show(table(("runtime", "size", "", "path"), rows))
    session.terminal.say(f"{sum(item.kept_because is None for item in found)} folders")
