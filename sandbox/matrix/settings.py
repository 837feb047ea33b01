"""A cell as SANDBOX_* variables, and what keeps one from being run: an unknown row, a machine that lacks something."""

from __future__ import annotations

import fnmatch
import json
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sandbox.backends import BACKENDS
from sandbox.config.load import load, variable_name
from sandbox.config.load import settings as every_setting
from sandbox.config.model import Config, Engine
from sandbox.errors import ConfigurationError, PrerequisiteMissing
from sandbox.matrix.cell import Cell
from sandbox.matrix.model import Matrix
from sandbox.runtimes.locks import PROVIDER_PREFIX, pins
from sandbox.runtimes.registry import RUNTIMES, airflow_runtime
from sandbox.runtimes.store import RuntimeRequest
from sandbox.services.airflow_row import airflow_request
from sandbox.services.spark import check_engine

PROVIDER = "databricks"
OF_THE_MACHINE = (
    *("airflow.chart", "cluster.*", "docker.*", "images.*", "kind.*", "limits.*", "run.*", "*.port"),
    *("engine.cores", "engine.java_home", "engine.memory_mib", "project.matrix"),
)
"""Settings that say where and with what means a cell runs, not what it tests; patterns of their dotted names."""
BACKENDS_BY_FIDELITY = ("process", "docker", "kind")
"""The backends, the one that is most like production last."""


def environment(cell: Cell, providers: Mapping[str, str]) -> dict[str, str]:
    """The variables that make the configured sandbox this cell's; `providers` are those that are configured.

    Raises ConfigurationError when there is no lock for its Airflow on its Python.
    """
    others = {name: version for name, version in providers.items() if name != PROVIDER}
    own = {} if locked_provider(cell) == cell.databricks else {PROVIDER: cell.databricks}
    values = {
        ("airflow", "version"): cell.airflow,
        ("airflow", "python"): cell.python,
        ("backend",): cell.backend,
        ("engine", "name"): cell.engine,
        ("airflow", "providers"): json.dumps(others | own, sort_keys=True),
    }
    return {variable_name(path): value for path, value in values.items()}


def own_runtimes(matrix: Matrix, project: Path, config: Config) -> list[RuntimeRequest]:
    """The Airflow runtimes of the cells whose row is registered, with the project's additions."""
    found = []
    for cell in matrix.cells:
        if airflow_runtime(cell.airflow, cell.python) in RUNTIMES:
            found.append(airflow_request(load(project, environment(cell, config.airflow.providers)).config))
    return list(dict.fromkeys(found))


def set_by_the_shell(cell_settings: Mapping[str, str], env: Mapping[str, str]) -> tuple[str, ...]:
    """The variables of this shell that make a cell's sandbox another one than sandbox.toml and the cell say."""
    return tuple(
        name
        for path, _ in every_setting()
        if (name := variable_name(path)) in env and name not in cell_settings
        if not any(fnmatch.fnmatchcase(".".join(path), pattern) for pattern in OF_THE_MACHINE)
    )


def locked_provider(cell: Cell) -> str | None:
    """The provider's version in the lock of the cell's row.

    Raises ConfigurationError when the row has none.
    """
    name = airflow_runtime(cell.airflow, cell.python)
    if name not in RUNTIMES:
        rows = [known for known, spec in RUNTIMES.items() if spec.is_row]
        raise ConfigurationError(
            f"{cell.id} needs the runtime {name}, which is not registered",
            why=f"registered are: {', '.join(rows)}",
            next_command="sandbox runtimes list    (CONTRIBUTING.md of the sandbox: a runtime row)",
        )
    versions = pins(RUNTIMES[name].lock_file.read_text("utf-8")).get(PROVIDER_PREFIX + PROVIDER, set())
    return next(iter(versions)) if len(versions) == 1 else None


def best(cells: Sequence[Cell], lacks: Callable[[str], str]) -> Cell:
    """Of the same cell on several backends the one that is nearest to production and that this machine can run."""
    able = [cell for cell in cells if not obstacle(cell, lacks)]
    return max(able or cells[:1], key=lambda cell: BACKENDS_BY_FIDELITY.index(cell.backend))


def obstacle(cell: Cell, lacks: Callable[[str], str], *, java_home: str | None = None) -> str:
    """Why this version of the sandbox, or this machine, cannot run the cell; empty when it can.

    `lacks` says for a backend what this machine lacks, `java_home` is the configured Java.
    """
    if cell.backend not in BACKENDS:
        return f"this version has no backend {cell.backend}"
    if cell.engine not in typing.get_args(Engine.model_fields["name"].annotation):
        return f"this version has no engine {cell.engine}"
    if airflow_runtime(cell.airflow, cell.python) not in RUNTIMES:
        return f"the runtime {airflow_runtime(cell.airflow, cell.python)} is not registered"
    return lacks(cell.backend) or _lacks_for_engine(cell.engine, java_home)


def _lacks_for_engine(engine: str, java_home: str | None) -> str:
    """What this machine lacks of what no runtime brings."""
    try:
        check_engine(Config(engine=Engine(name=typing.cast("typing.Any", engine), java_home=java_home)))
    except PrerequisiteMissing as lack:
        return lack.what
    return ""
