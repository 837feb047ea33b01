"""`sandbox init`: draft the sandbox of a repository that has none."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

import click

from sandbox.adopt import render
from sandbox.adopt.draft import draft
from sandbox.adopt.model import Draft, Findings
from sandbox.adopt.scan import scan
from sandbox.cli.session import Session, common_options
from sandbox.console import table
from sandbox.errors import ConfigurationError

TEST_FILE = "tests/cell/test_pipeline.py"


def contents(found: Findings, made: Draft) -> dict[str, str]:
    """The files that init writes, by path below the repository."""
    return {
        "sandbox.toml": render.sandbox_toml(made),
        "matrix.toml": render.matrix_toml(made),
        TEST_FILE: render.first_test(found, made),
    }


@click.command("init")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path())
@common_options
@click.option("--dry-run", is_flag=True, help="Print the files instead of writing them.")
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
def command(session: Session, folder: Path, dry_run: bool, force: bool) -> None:
    """Read the repository at FOLDER, running none of it, and write sandbox.toml, matrix.toml and a first test."""
    root = folder.resolve()
    found = scan(root)
    made = draft(found)
    files = contents(found, made)
    existing = [name for name in files if (root / name).exists()]
    if existing and not force and not dry_run:
        raise ConfigurationError(
            f"already there: {', '.join(existing)}",
            why="nothing was written",
            next_command="sandbox init --dry-run    (or --force, which overwrites)",
        )
    for name, text in files.items():
        if not dry_run:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
    _show(session, found, made, files, existing, dry_run=dry_run)


def _show(
    session: Session, found: Findings, made: Draft, files: dict[str, str], existing: list[str], *, dry_run: bool
) -> None:
    terminal = session.terminal
    dag_ids = sorted(item.name for file in found.dag_files for item in file.dag_ids)
    notebooks = [found.shown(notebook.path) for notebook in found.notebooks]
    terminal.result(
        {
            "schema": 1,
            "folder": str(found.root),
            "written": not dry_run,
            "files": [
                {"path": name, "existed": name in existing, **({"text": text} if dry_run else {})}
                for name, text in files.items()
            ],
            "dags": dag_ids,
            "notebooks": notebooks,
            "jobs": list(found.bundle.jobs) if found.bundle else [],
            "settings": made.values,
            "unknown": [dataclasses.asdict(item) for item in made.unknown],
        }
    )
    if dry_run:
        for name, text in files.items():
            terminal.say(f"--- {name}{'   (exists)' if name in existing else ''}")
            terminal.say(text)
    counts = [
        ("DAGs", len(dag_ids)),
        ("notebooks", len(notebooks)),
        ("jobs", len(found.bundle.jobs) if found.bundle else 0),
    ]
    counts += [
        (title, len(made.values.get("airflow", {}).get(title.lower(), {})))
        for title in ("Connections", "Variables", "Pools")
    ]
    terminal.say(f"found: {', '.join(f'{count} {title}' for title, count in counts)}")
    if not dry_run:
        terminal.say(f"written: {', '.join(files)}")
    if made.unknown:
        terminal.say()
        terminal.say("What could not be guessed:")
        rows = [(item.what, item.where, item.todo) for item in made.unknown]
        terminal.show(table(("what", "where", "to do"), rows))
    terminal.say()
    there = "" if found.root == Path.cwd() else f"cd {shlex.quote(str(found.root))} && "
    airflow = made.values.get("airflow", {})
    own = ["sandbox runtimes lock"] if airflow.get("extra_requirements") or airflow.get("providers") else []
    first, *further = [*own, "sandbox validate", "sandbox up", "sandbox run"]
    terminal.hint(f"{there}{first}", *further)
