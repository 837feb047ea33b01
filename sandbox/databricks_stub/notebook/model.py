"""What goes into and comes out of the execution of notebooks and SQL statements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class NotebookTask:
    """One notebook to execute; `parameters` are its widgets, `task_values` those of the tasks before it."""

    run_id: int
    task_key: str
    job_name: str
    notebook_path: Path
    workspace_path: str
    parameters: Mapping[str, str]
    output_dir: Path
    timeout_seconds: int | None
    task_values: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class NotebookOutcome:
    """How it ended; `failed_notebook_cell` counts the cells of `executed_notebook` from 1."""

    succeeded: bool
    exit_value: str | None = None
    error: str | None = None
    error_trace: str | None = None
    failed_notebook_cell: int | None = None
    executed_notebook: Path
    task_values: Mapping[str, Any] = field(default_factory=dict)
    cancelled: bool = False
    timed_out: bool = False


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a result: `type_name` is the enum of the statement API, `type_text` the SQL type."""

    name: str
    type_text: str
    type_name: str


@dataclass(frozen=True, kw_only=True)
class SqlResult:
    """The columns and rows of a statement; the values are JSON values."""

    columns: tuple[Column, ...]
    rows: list[list[Any]]


class SqlError(Exception):
    """A statement failed; the message is the engine's."""
