"""The executed notebook of a task_run, read back from its file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.model import JobRun, TaskRun

ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


FILE_NAME = "executed.ipynb"


def folder(state_dir: Path, run: JobRun, task: TaskRun) -> Path:
    """Where a task_run leaves what it makes."""
    return state_dir / "runs" / str(run.run_id) / str(task.run_id)


def notebook_file(state_dir: Path, run: JobRun, task: TaskRun) -> str | None:
    """The executed notebook of a task_run; while it runs, what it has executed so far."""
    if task.outcome.executed_notebook is not None:
        return task.outcome.executed_notebook
    growing = folder(state_dir, run, task) / FILE_NAME
    return str(growing) if growing.is_file() else None


def cells(path: str) -> list[dict[str, Any]]:
    """The notebook's cells, none when its file is gone or unreadable: an old run's page must still open."""
    try:
        found = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return list(found.get("cells", ())) if isinstance(found, dict) else []


def joined(text: Any) -> str:
    """A source or an output as one text; the format allows a list of lines."""
    return "".join(text) if isinstance(text, list) else str(text or "")


def plain(text: Any) -> str:
    """A text without a terminal's colours."""
    return ANSI.sub("", joined(text))


def failed_cell(path: str, index: int | None) -> dict[str, Any] | None:
    """The notebook_cell (counted from 1) that failed: its source, what it printed, its traceback."""
    found = cells(path)
    if index is None or not 1 <= index <= len(found):
        return None
    cell = found[index - 1]
    printed: list[str] = []
    traceback = ""
    for output in cell.get("outputs", ()):
        match output.get("output_type"):
            case "stream":
                printed.append(plain(output.get("text")))
            case "error":
                traceback = plain("\n".join(output.get("traceback", ())))
            case _:
                printed.append(plain(output.get("data", {}).get("text/plain")) + "\n")
    return {"index": index, "source": joined(cell.get("source")), "output": "".join(printed), "traceback": traceback}
