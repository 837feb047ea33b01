"""The project's files that matter: what is promoted, and what else decides what a cell of the matrix finds."""

from __future__ import annotations

from pathlib import Path

from sandbox.config import Config
from sandbox.databricks_stub.bundle.load import files_of


def promoted(config: Config, project: Path) -> tuple[str, ...]:
    """What runs in production, relative to the project, whether it is there or not: DAGs, notebooks, bundle.

    The files that the bundle includes are named one by one, unless a folder before them holds them.
    """
    settings = config.project
    found = [settings.dags, settings.notebooks, settings.bundle]
    folders = [(project / name).resolve() for name in found]
    for path in files_of(project / settings.bundle):
        place = path.resolve()
        if place.is_relative_to(project.resolve()) and not any(place.is_relative_to(folder) for folder in folders):
            found.append(place.relative_to(project.resolve()).as_posix())
    return tuple(dict.fromkeys(found))


def decisive(config: Config, project: Path) -> dict[str, Path]:
    """By its name, each file or folder of the project that a report's digests are of: artefacts and its own locks."""
    names = (*promoted(config, project), config.project.matrix, "chart", "images", "sandbox.toml")
    locks = sorted((project / config.airflow.locks).glob("*.txt"))
    return {name: project / name for name in names} | {f"lock:{file.stem}": file for file in locks}
