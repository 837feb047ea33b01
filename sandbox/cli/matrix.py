"""`sandbox matrix`: the cells, and their runs side by side."""

from __future__ import annotations

import click

from sandbox.cli.session import Session, common_options
from sandbox.console import table
from sandbox.matrix.machine import lacks
from sandbox.matrix.model import Matrix, load
from sandbox.matrix.selection import select
from sandbox.matrix.settings import obstacle


def read(session: Session) -> Matrix:
    """The project's matrix."""
    return load(session.paths.project / session.config.project.matrix)


@click.group("matrix")
def command() -> None:
    """List the cells of the test matrix, or run them side by side."""


@command.command("list")
@click.argument("selection", nargs=-1)
@common_options
@click.option("--group", "groups", multiple=True, help="Only cells of this group; may be repeated.")
def list_command(session: Session, selection: tuple[str, ...], groups: tuple[str, ...]) -> None:
    """Show the cells that SELECTION means (ids, patterns, or terms such as 'airflow>=3.1,engine=sail')."""
    matrix = read(session)
    cells = select(matrix, selection, groups)
    obstacles = {cell.id: obstacle(cell, lacks) for cell in cells}
    session.terminal.result(
        {
            "schema": 1,
            "groups": dict(matrix.groups),
            "cells": [
                {
                    "id": cell.id,
                    **cell.axes,
                    "groups": list(cell.groups),
                    "purpose": cell.purpose,
                    "tests": list(matrix.tests(cell)),
                    "limit_seconds": matrix.limit_seconds(cell),
                    "memory_mib": cell.expected_memory_mib,
                    "obstacle": obstacles[cell.id],
                }
                for cell in cells
            ],
        }
    )
    rows = [(cell.id, ", ".join(cell.groups), cell.purpose, obstacles[cell.id] or "yes") for cell in cells]
    session.terminal.show(table(("cell", "groups", "purpose", "runs here"), rows))
