"""What was found in a repository, each thing with the place that names it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True, order=True)
class Place:
    """Where something is named: a file relative to the repository, and a line (of a notebook in .ipynb: a cell)."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, kw_only=True)
class Named:
    """A name, what was said about it (a default, a kind; may be empty), and the place."""

    name: str
    detail: str = ""
    place: Place


@dataclass(frozen=True, kw_only=True)
class DagFile:
    """A file that defines DAGs, read as text: what it names, and what it imports."""

    path: Path
    dag_ids: tuple[Named, ...]
    connections: tuple[Named, ...]
    """`detail` is the start of the argument's name: `databricks` of `databricks_conn_id`; a computed name is empty."""
    variables: tuple[Named, ...]
    """`detail` is the default that the code has, if that is a text; a computed name is empty."""
    json_variables: frozenset[str]
    """Those that it reads as JSON."""
    pools: tuple[Named, ...]
    buckets: tuple[Named, ...]
    jobs: frozenset[str]
    """Databricks jobs that it names."""
    imports: tuple[Named, ...]
    """Top-level modules."""
    providers: frozenset[str]
    """Airflow providers that it imports, by short name."""
    outlets: frozenset[str]
    """Assets that its tasks write."""
    schedules: frozenset[str]
    """Assets that its DAGs wait for."""


@dataclass(frozen=True, kw_only=True)
class Notebook:
    """A notebook, or code beside it, read as text."""

    path: Path
    volumes: tuple[Named, ...]
    """Names of three parts; one in braces is filled in when the notebook runs."""
    tables: tuple[Named, ...]
    """Names of two or three parts."""
    secrets: tuple[Named, ...]
    """`scope/key`."""
    buckets: tuple[Named, ...]
    widgets: Mapping[str, str]
    """Widgets with their defaults."""


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A Databricks asset bundle, as far as its defaults go."""

    path: Path
    targets: tuple[str, ...]
    default_target: str | None
    variables: Mapping[str, str]
    volumes: Mapping[str, str]
    """Volumes that it defines, with their storage locations (empty: managed)."""
    jobs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the repository says about its Airflow: a version, a Python, packages."""

    airflow: Named | None = None
    python: Named | None = None
    requirements: Mapping[str, Named] = field(default_factory=dict)
    """Requirements by canonical name; `detail` is the whole requirement."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """A repository, read."""

    root: Path
    dag_files: tuple[DagFile, ...]
    dag_folder: Path | None
    """What Airflow is to parse."""
    helpers: tuple[DagFile, ...]
    """Modules below that folder that define no DAG."""
    notebooks: tuple[Notebook, ...]
    bundle: Bundle | None
    other_bundles: tuple[Path, ...]
    wanted: Wanted
    environment: Mapping[str, Named]
    """Values of AIRFLOW_VAR_* in files of the repository; `detail` is the value."""
    local_modules: frozenset[str]
    """Modules and packages that lie in the repository."""

    @property
    def sources(self) -> tuple[DagFile, ...]:
        """The DAG files and the modules beside them."""
        return (*self.dag_files, *self.helpers)

    def named(self, kind: str) -> dict[str, Named]:
        """What the sources name, of one kind: a field of DagFile."""
        return first_by_name(item for file in self.sources for item in getattr(file, kind))

    def shown(self, path: Path) -> str:
        """A path as a user of the repository reads it."""
        return str(path.relative_to(self.root))


PLACEHOLDER = "to-fill-in"
"""Stands where a value is needed that the repository does not have."""


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """Something that the settings need and the repository does not say."""

    what: str
    where: str
    todo: str


@dataclass(kw_only=True)
class Draft:
    """Settings as the tables of sandbox.toml; `reasons` says by dotted name where a value comes from."""

    values: dict[str, Any] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    unknown: list[Unknown] = field(default_factory=list)

    def put(self, dotted: tuple[str, ...], value: Any, reason: str) -> None:
        """Set one value with its reason."""
        table = self.values
        for name in dotted[:-1]:
            table = table.setdefault(name, {})
        table[dotted[-1]] = value
        self.reasons[".".join(dotted)] = reason

    def ask(self, what: str, where: object, todo: str) -> None:
        """Note what could not be guessed."""
        self.unknown.append(Unknown(what=what, where=str(where), todo=todo))


def first_by_name(items: Iterable[Named]) -> dict[str, Named]:
    """The names, sorted, each with the first place that says something about it, else with the first place."""
    found: dict[str, Named] = {}
    for item in sorted(items, key=lambda each: (each.name, not each.detail, each.place)):
        found.setdefault(item.name, item)
    return found
