"""The executed notebook as it grows: a file that is whole after every cell, and the outcome at the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.executed import FILE_NAME, plain
from sandbox.databricks_stub.notebook.kernel_client import CellError, Execution
from sandbox.databricks_stub.notebook.model import NotebookOutcome, NotebookTask
from sandbox.databricks_stub.notebook.secrets import Redactor
from sandbox.databricks_stub.notebook_source import NotebookCell

OUTPUTS = ("stream", "display_data", "execute_result", "error")
CELL_LIMIT = 20_000_000
# Documented: https://docs.databricks.com/notebooks/notebook-limitations - a cell's output has at most 20 MB


class Record:
    """What is kept of one execution."""

    def __init__(self, task: NotebookTask, redact: Redactor) -> None:
        import nbformat.v4

        self._task = task
        self._redact = redact
        self._format: Any = nbformat.v4
        self._notebook = self._format.new_notebook()
        self._current: Any = None
        self._room = CELL_LIMIT
        self._places: list[str] = []
        self.file = task.output_dir / FILE_NAME

    def begin(self, cells: list[NotebookCell]) -> None:
        """Write the notebook without outputs."""
        self._notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        self._notebook.metadata["source"] = str(self._task.notebook_path)
        for cell in cells:
            make = {"code": self._format.new_code_cell, "markdown": self._format.new_markdown_cell}
            made = make.get(cell.kind, self._format.new_raw_cell)(cell.source)
            made.metadata["line"] = cell.line
            self._notebook.cells.append(made)
            self._places.append(f"{self._task.notebook_path}:{cell.line}")
        self._save()

    def enter(self, number: int) -> None:
        """The cell that outputs belong to from now on, counted from 1."""
        self._current = self._notebook.cells[number - 1]
        self._room = CELL_LIMIT

    def show(self, message: dict[str, Any]) -> None:
        """Add an output; what is beyond the limit of a cell is left out, and said to be."""
        if message["msg_type"] == "clear_output":
            self._current.outputs = []
            self._room = CELL_LIMIT
        if message["msg_type"] not in OUTPUTS or self._room < 0:
            return
        output = self._format.output_from_msg(message)
        if output.output_type != "error":
            self._room -= len(json.dumps(message["content"]))
        if self._room < 0:
            text = f"\n[the rest is left out: a cell's output has at most {CELL_LIMIT // 1_000_000} MB]\n"
            output = self._format.new_output("stream", name="stderr", text=text)
        last = self._current.outputs[-1] if self._current.outputs else None
        if output.output_type == "stream" and last is not None and last.get("name") == output.name:
            last.text += output.text
        else:
            self._current.outputs.append(output)

    def leave(self, done: Execution) -> None:
        """The current cell has ended."""
        self._current.execution_count = done.execution_count
        self._current.outputs = self._redact(self._current.outputs)
        self._save()

    def _save(self) -> None:
        self._task.output_dir.mkdir(parents=True, exist_ok=True)
        temporary = self.file.with_suffix(".new")
        temporary.write_text(json.dumps(self._notebook, indent=1), encoding="utf-8")
        temporary.replace(self.file)

    def succeeded(self, exit_value: str | None) -> NotebookOutcome:
        """The notebook came to its end, or left early with a value."""
        return self._outcome(succeeded=True, exit_value=exit_value)

    def ended_by(self, error: CellError, *, cell: int | None) -> NotebookOutcome:
        """A cell raised (None: the hidden one, before the first)."""
        trace = plain("\n".join(error.traceback))
        if cell is not None:
            trace = f"{self._places[cell - 1]} (notebook_cell {cell})\n{trace}"
        return self._outcome(
            error=self._redact(f"{error.name}: {first_line(plain(error.value))}"),
            error_trace=self._redact(trace),
            failed_notebook_cell=cell,
        )

    def lost(self, reason: str) -> NotebookOutcome:
        """The kernel died."""
        number = next((at for at, cell in enumerate(self._notebook.cells, start=1) if cell is self._current), None)
        if number:
            self._current.outputs = self._redact(self._current.outputs)
        self._save()
        where = f" in notebook_cell {number} ({self._places[number - 1]})" if number else ""
        return self._outcome(error=f"{reason}{where}", failed_notebook_cell=number)

    def failed(self, reason: str) -> NotebookOutcome:
        """It could not be started."""
        self._save()
        return self._outcome(error=reason)

    def stopped(self, *, timed_out: bool) -> NotebookOutcome:
        """It was cancelled, or took too long."""
        self._save()
        return self._outcome(cancelled=not timed_out, timed_out=timed_out)

    def _outcome(self, *, succeeded: bool = False, **values: Any) -> NotebookOutcome:
        return NotebookOutcome(
            succeeded=succeeded,
            executed_notebook=self.file,
            task_values=read_task_values(self._task.output_dir),
            **values,
        )


def first_line(text: str) -> str:
    """The first line that says something; Spark's messages go on for pages."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def read_task_values(output_dir: Path) -> dict[str, Any]:
    """What dbutils.jobs.taskValues.set has left."""
    file = output_dir / "task_values.json"
    values: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return values
