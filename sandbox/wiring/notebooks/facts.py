"""What one notebook, with one set of parameters, does to the world: collected while its code is followed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sandbox.wiring.findings import Place
from sandbox.wiring.notebooks.cells import Problem
from sandbox.wiring.notebooks.values import HOLE


@dataclass(frozen=True, kw_only=True)
class Include:
    """A notebook that another one names, by %run or dbutils.notebook.run; `arguments` None: not known."""

    place: Place
    path: str
    arguments: tuple[tuple[str, str], ...] | None
    facts: NotebookFacts | None = None
    """Of a notebook that runs apart and was found."""


@dataclass(frozen=True, kw_only=True)
class BadImport:
    """An import that fails when the notebook runs."""

    place: Place
    subject: str
    message: str
    hint: str


@dataclass(kw_only=True)
class NotebookFacts:
    """Collected facts; a mapping keeps the first place of each name."""

    path: Path
    current: tuple[str | None, str | None]
    """Catalog and schema of names with fewer parts; None: not known."""
    problems: list[Problem] = field(default_factory=list)
    bad_imports: dict[tuple[Place, str], BadImport] = field(default_factory=dict)
    changes_import_path: bool = False
    """It changes `sys.path`: a module may come from anywhere."""
    missing: list[Include] = field(default_factory=list)
    children: list[Include] = field(default_factory=list)
    widgets_defined: dict[str, tuple[str, Place]] = field(default_factory=dict)
    widgets_read: dict[str, Place] = field(default_factory=dict)
    passed_inside: set[str] = field(default_factory=set)
    """Widgets that it passes itself to what it includes by %run."""
    maybe_read: set[str] = field(default_factory=set)
    """Widgets that are named where it is not known whether that code runs."""
    reads_any_widget: bool = False
    asks_for_all_widgets: bool = False
    """It looks which widgets there are before it reads one."""
    streams: set[str] = field(default_factory=set)
    """The tables that are read as streams."""
    reads: dict[str, Place] = field(default_factory=dict)
    writes: dict[str, Place] = field(default_factory=dict)
    temp_views: set[str] = field(default_factory=set)
    volumes: dict[str, Place] = field(default_factory=dict)
    secrets: dict[tuple[str, str], Place] = field(default_factory=dict)
    task_values: dict[str, Place] = field(default_factory=dict)
    """Keys of tasks whose values are asked for."""

    def qualified(self, name: str | tuple[str, ...]) -> str | None:
        """The three-level name in lower case; None for what is not known or no table of a catalog."""
        parts = split_name(name) if isinstance(name, str) else tuple(name)
        if not 1 <= len(parts) <= 3 or any(HOLE in part or "__hole__" in part or "/" in part for part in parts):
            return None
        if len(parts) == 1 and parts[0].lower() in self.temp_views:
            return None
        if parts[0].lower() in ("global_temp", "system", "information_schema"):
            return None
        whole = (*self.current[: 3 - len(parts)], *parts)
        return None if None in whole or not all(whole) else ".".join(str(part).lower() for part in whole)

    def read(self, name: str | tuple[str, ...], place: Place) -> None:
        """The rows of a table are read."""
        if table := self.qualified(name):
            self.reads.setdefault(table, place)

    def write(self, name: str | tuple[str, ...], place: Place) -> None:
        """A table or view is made or changed."""
        if table := self.qualified(name):
            self.writes.setdefault(table, place)

    def volume(self, text: str, place: Place) -> None:
        """A path below /Volumes is named."""
        if text.startswith(("/Volumes/", "dbfs:/Volumes/")):
            parts = text.partition("/Volumes/")[2].split("/")[:3]
            if len(parts) == 3 and all(parts) and HOLE not in "".join(parts):
                self.volumes.setdefault(".".join(parts), place)


def split_name(name: str) -> tuple[str, ...]:
    """The parts of a dotted name, backticks off; () when the text is no name."""
    parts: list[str] = [""]
    quoted = False
    for letter in name.strip():
        if letter == "`":
            quoted = not quoted
        elif letter == "." and not quoted:
            parts.append("")
        elif letter.isspace() and not quoted:
            return ()
        else:
            parts[-1] += letter
    return tuple(parts) if all(parts) and not quoted else ()
