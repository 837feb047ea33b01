"""`sandbox archive`: the archives that the mirror serves."""

from __future__ import annotations

from pathlib import Path

import click

from sandbox.archive.generate import generate
from sandbox.cli.groups import Group
from sandbox.cli.session import Session, common_options
from sandbox.console import table


@click.group("archive", cls=Group)
def command() -> None:
    """Generate Stack Exchange archives, or list those that the mirror serves."""


@command.command("generate")
@common_options
@click.option("--site", required=True, help="The site's name, such as example.stackexchange.com.")
@click.option("--posts", default=2000, show_default=True, type=click.IntRange(min=0))
@click.option("--users", default=600, show_default=True, type=click.IntRange(min=0))
@click.option("--seed", default=1, show_default=True, type=int, help="The same arguments make the same bytes.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Where to; default: into the mirror.")
def generate_command(session: Session, site: str, posts: int, users: int, seed: int, output: Path | None) -> None:
    """Make a dump of SITE in the format of the real ones, with all their oddities."""
    target = output or session.paths.archives / f"{site}.7z"
    target.parent.mkdir(parents=True, exist_ok=True)
    with session.terminal.step(f"generate {target.name}") as step:
        generate(target, site=site, posts=posts, users=users, seed=seed)
        step.done(f"{target} ({target.stat().st_size / 1024**2:.1f} MiB)")
    session.terminal.result({"schema": 1, "file": str(target), "size_bytes": target.stat().st_size})


@command.command("list")
@common_options
def list_command(session: Session) -> None:
    """List the archives that the mirror serves; real dumps put into that folder are served at once."""
    files = sorted(session.paths.archives.glob("*.7z"))
    session.terminal.result(
        {"schema": 1, "folder": str(session.paths.archives), "archives": [file.name for file in files]}
    )
    session.terminal.say(str(session.paths.archives))
    session.terminal.show(table(("archive", "bytes"), [(file.name, file.stat().st_size) for file in files]))
