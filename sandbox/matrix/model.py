"""matrix.toml as frozen values; all its problems reported at once, each with its line."""

from __future__ import annotations

import difflib
import fnmatch
import hashlib
import shlex
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from sandbox.config.lines import key_lines, line_of
from sandbox.config.model import BACKENDS_WITHOUT_JAVA, NO_JAVA, Section
from sandbox.errors import ConfigurationError
from sandbox.matrix.cell import AXES, Cell

FILE_NAME = "matrix.toml"


class Defaults(Section):
    """What holds for every cell that does not say otherwise."""

    tests: tuple[str, ...] = Field(("tests/cell",), strict=False, description="What pytest runs in each cell.")
    limit_seconds: float = Field(
        900.0, gt=0, allow_inf_nan=False, strict=False, description="How long a cell may take."
    )


class Unsupported(Section):
    """A combination that no cell may have, with the reason; an axis that is not named may be anything."""

    airflow: str = Field("*", description="Airflow's version; `*` stands for anything.")
    python: str = Field("*", description="Its Python.")
    backend: str = Field("*", description="The backend.")
    engine: str = Field("*", description="The engine.")
    databricks: str = Field("*", description="The databricks provider's version.")
    reason: str = Field(description="Why it does not work.")

    def covers(self, axes: Mapping[str, str]) -> bool:
        """Whether a combination is one of those."""
        return all(fnmatch.fnmatchcase(axes[axis], getattr(self, axis)) for axis in AXES)

    def follows_from(self, named: Mapping[str, str]) -> bool:
        """Whether the axes that are named leave no other choice than one of those."""
        patterns = {axis: pattern for axis in AXES if (pattern := getattr(self, axis)) != "*"}
        return all(axis in named and fnmatch.fnmatchcase(named[axis], pattern) for axis, pattern in patterns.items())

    @model_validator(mode="after")
    def _names_an_axis(self) -> Unsupported:
        if all(getattr(self, axis) == "*" for axis in AXES):
            raise ValueError("names no axis, and so excludes everything")
        return self


IMPOSSIBLE = tuple(
    Unsupported(engine="spark", backend=backend, reason=NO_JAVA.format(backend=backend))
    for backend in BACKENDS_WITHOUT_JAVA
)
"""What this version of the sandbox cannot do, whatever the matrix says."""


class Policy(Section):
    """What `sandbox gate` asks for."""

    groups: tuple[str, ...] = Field((), strict=False, description="Every cell of these groups must have passed.")
    cells: tuple[str, ...] = Field((), strict=False, description="These cells too, by id.")
    may_skip: tuple[str, ...] = Field(
        (), strict=False, description="Tests that may be skipped, as patterns of their ids."
    )
    allow_flaky: bool = Field(False, description="Whether a cell that passed only when retried counts as passed.")
    max_age_hours: float | None = Field(None, gt=0, strict=False, description="How old the report may be.")
    signed: bool = Field(False, description="Whether the report must be signed with `SANDBOX_REPORT_KEY`.")


class MatrixFile(Section):
    """The file's structure."""

    schema_: Literal[1] = Field(alias="schema", description="The version of this file's form.")
    groups: dict[str, str] = Field(default_factory=dict, description="The groups, each with what it is for.")
    defaults: Defaults = Field(default_factory=Defaults)
    policy: dict[str, Policy] = Field(default_factory=dict, description="The gate's policies by name.")
    cell: tuple[Cell, ...] = Field((), strict=False, description="The cells.")
    unsupported: tuple[Unsupported, ...] = Field((), strict=False, description="What does not go together.")


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """A valid matrix; `sha256` is the file's."""

    file: Path
    sha256: str
    groups: Mapping[str, str]
    defaults: Defaults
    policies: Mapping[str, Policy]
    cells: tuple[Cell, ...]
    unsupported: tuple[Unsupported, ...]

    def tests(self, cell: Cell) -> tuple[str, ...]:
        """What pytest runs in a cell."""
        return cell.tests or self.defaults.tests

    def limit_seconds(self, cell: Cell) -> float:
        """How long a cell may take."""
        return cell.limit_seconds or self.defaults.limit_seconds

    def refusal(self, axes: Mapping[str, str]) -> str:
        """Why a combination is not supported; empty when nothing is known against it."""
        return next((entry.reason for entry in self.unsupported if entry.covers(axes)), "")

    def required(self, policy: Policy) -> tuple[Cell, ...]:
        """The cells that a policy asks for, in the order of the matrix."""
        return tuple(cell for cell in self.cells if cell.id in policy.cells or {*cell.groups} & {*policy.groups})

    def production(self) -> tuple[Cell, ...]:
        """The cells that differ from the matrix's first one by nothing but the backend."""
        first = self.cells[0].axes
        return tuple(
            cell for cell in self.cells if all(cell.axes[axis] == first[axis] for axis in AXES if axis != "backend")
        )


def load(file: Path) -> Matrix:
    """Read a matrix file.

    Raises ConfigurationError with every problem at once, each with its line.
    """
    if not file.is_file():
        raise ConfigurationError(
            f"there is no matrix: {file}", why="project.matrix names it", next_command="sandbox init"
        )
    try:
        text = file.read_text(encoding="utf-8")
        tree = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(
            f"{file.name} is not valid TOML: {error}", next_command=f"$EDITOR {shlex.quote(str(file))}"
        ) from None
    places = _Places(file.name, text)
    try:
        content = MatrixFile.model_validate(tree)
    except ValidationError as invalid:
        raise _refused(file, [places.problem(detail) for detail in invalid.errors()]) from None
    matrix = Matrix(
        file=file,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        groups=content.groups,
        defaults=content.defaults,
        policies=content.policy,
        cells=content.cell,
        unsupported=(*IMPOSSIBLE, *content.unsupported),
    )
    if problems := [f"{places.of_text(name)}: {problem}" for name, problem in _contradictions(matrix)]:
        raise _refused(file, problems)
    return matrix


def _refused(file: Path, problems: list[str]) -> ConfigurationError:
    count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
    return ConfigurationError(
        f"{file.name} has {count}", why="\n".join(problems), next_command=f"$EDITOR {shlex.quote(str(file))}"
    )


def _contradictions(matrix: Matrix) -> Iterator[tuple[str, str]]:
    """What each part may be, but not together: a text of the file to find the line by, and the problem."""
    if not matrix.cells:
        yield "schema", "there are no cells"
    for cell_id, count in Counter(cell.id for cell in matrix.cells).items():
        if count > 1:
            yield cell_id, f"{cell_id} stands there {count} times"
    known = {cell.id for cell in matrix.cells}
    for cell in matrix.cells:
        if reason := matrix.refusal(cell.axes):
            yield cell.id, f"{cell.id} is not supported: {reason}"
        for group in sorted({*cell.groups} - matrix.groups.keys()):
            yield cell.id, f"{cell.id}: there is no group {group}{_alike(group, matrix.groups)}"
    for name, policy in matrix.policies.items():
        for group in sorted({*policy.groups} - matrix.groups.keys()):
            yield f"policy.{name}", f"policy.{name}: there is no group {group}{_alike(group, matrix.groups)}"
        for cell_id in sorted({*policy.cells} - known):
            yield f"policy.{name}", f"policy.{name}: there is no cell {cell_id}{_alike(cell_id, known)}"
        if not matrix.required(policy):
            yield f"policy.{name}", f"policy.{name} asks for no cell"


def _alike(name: str, known: Mapping[str, Any] | set[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


class _Places:
    """Where in the file something stands."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._lines = text.splitlines()
        self._keys = key_lines(text)
        self._starts = {
            header: [number for number, line in enumerate(self._lines, 1) if line.strip().startswith(f"[[{header}]]")]
            for header in ("cell", "unsupported")
        }

    def of_text(self, text: str) -> str:
        """The first line that has this text."""
        return f"{self._name}:{next((number for number, line in enumerate(self._lines, 1) if text in line), 1)}"

    def problem(self, detail: Any) -> str:
        """One complaint of pydantic with its line."""
        path = [part for part in detail["loc"] if part != "schema_"]
        starts = self._starts.get(str(path[0]), []) if path else []
        line: int | None
        if len(path) > 1 and isinstance(path[1], int) and path[1] < len(starts):
            begin = starts[path[1]]
            key = str(path[2]) if len(path) > 2 else ""
            block = enumerate(self._lines[begin:], begin + 1)
            inside = []
            for number, text in block:
                if text.strip().startswith("["):
                    break
                inside.append((number, text))
            line = next((number for number, text in inside if key and text.split("=")[0].strip() == key), begin)
        else:
            line = line_of(self._keys, [str(part) for part in path])
        words = "unknown key" if detail["type"] == "extra_forbidden" else detail["msg"].removeprefix("Value error, ")
        dotted = ".".join(str(part) for part in path if not isinstance(part, int))
        return f"{self._name}:{line or 1}: {dotted}: {words}"
