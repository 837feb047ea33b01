"""A cell as SANDBOX_* variables, and what keeps one from being run: an unknown row, a machine that lacks something."""

from __future__ import annotations

import json
import typing
from collections.abc import Callable, Mapping
from pathlib import Path

from sandbox.backends import BACKENDS
from sandbox.config.load import variable_name
from sandbox.config.model import Engine
from sandbox.errors import ConfigurationError
from sandbox.matrix.cell import Cell
from sandbox.runtimes.locks import PROVIDER_PREFIX, pins
from sandbox.runtimes.registry import RUNTIMES, airflow_runtime

PROVIDER = "databricks"


def environment(cell: Cell) -> dict[str, str]:
    """The variables that make the configured sandbox this cell's.

    Raises ConfigurationError when there is no lock for its Airflow on its Python.
    """
    values = {
        ("airflow", "version"): cell.airflow,
        ("airflow", "python"): cell.python,
        ("backend",): cell.backend,
        ("engine", "name"): cell.engine,
    }
    if locked_provider(cell) != cell.databricks:
        values[("airflow", "providers")] = json.dumps({PROVIDER: cell.databricks})
    return {variable_name(path): value for path, value in values.items()}


def locked_provider(cell: Cell) -> str | None:
    """The provider's version in the lock of the cell's row.

    Raises ConfigurationError when the row has none.
    """
    name = airflow_runtime(cell.airflow, cell.python)
    if name not in RUNTIMES:
        rows = [known for known, spec in RUNTIMES.items() if spec.is_airflow]
        raise ConfigurationError(
            f"{cell.id} needs the runtime {name}, which is not registered",
            why=f"registered are: {', '.join(rows)}",
            next_command=f"nox -s lock -- {name}    (CONTRIBUTING.md says how a row is added)",
        )
    versions = pins(RUNTIMES[name].lock_file.read_text("utf-8")).get(PROVIDER_PREFIX + PROVIDER, set())
    return next(iter(versions)) if len(versions) == 1 else None


def obstacle(cell: Cell, lacks: Callable[[str], str]) -> str:
    """Why this version of the sandbox, or this machine, cannot run the cell; empty when it can.

    `lacks` says for a backend what this machine lacks.
    """
    if cell.backend not in BACKENDS:
        return f"this version has no backend {cell.backend}"
    if cell.engine not in typing.get_args(Engine.model_fields["name"].annotation):
        return f"this version has no engine {cell.engine}"
    return lacks(cell.backend)


def lock_digests(project_locks: Path) -> Mapping[str, str]:
    """The hash of every committed lock by its name."""
    import hashlib

    return {file.stem: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(project_locks.glob("*.txt"))}
