"""The real workspace process with a runner whose tasks a test holds and releases by files.

`fake_workspace.py CONFIG FOLDER`, run by the runtime `workspace`: a task writes its key to FOLDER/started; if the key
starts with `hold` runs until FOLDER/<task_key> exists, with `nap` for two seconds; with `fail` it fails.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.__main__ import serve
from sandbox.databricks_stub.notebook import Column, NotebookOutcome, NotebookTask, SqlError, SqlResult
from sandbox.databricks_stub.settings import Settings, load


class FileRunner:
    """Tasks as files."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._folder = folder

    def _note(self, word: str) -> None:
        with (self._folder / "started").open("a") as journal:
            journal.write(f"{word}\n")

    def start(self) -> None:
        """Nothing to warm up."""

    def close(self) -> None:
        """Nothing to end."""

    def run(self, task: NotebookTask, cancel: threading.Event) -> NotebookOutcome:
        """End when the test says so."""
        self._note(task.task_key)
        while task.task_key.startswith("hold") and not (self._folder / task.task_key).exists():
            if cancel.wait(0.02):
                break
        if task.task_key.startswith("nap"):
            cancel.wait(2)
        failed = task.task_key.startswith("fail")
        executed = task.output_dir / "executed.ipynb"
        executed.write_text('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}')
        return NotebookOutcome(
            succeeded=not failed and not cancel.is_set(),
            exit_value=None if failed else str(dict(task.parameters)),
            error="ValueError: a bad day" if failed else None,
            error_trace="Traceback (most recent call last): …" if failed else None,
            failed_notebook_cell=None,
            executed_notebook=executed,
            task_values={},
            cancelled=cancel.is_set(),
            timed_out=False,
        )

    def interrupt(self, statement_id: str) -> None:
        """A statement that runs for ever goes on."""

    def open_session(
        self, session_id: str, *, catalog: str, schema: str | None, configuration: Mapping[str, str]
    ) -> None:
        """Nothing to begin."""

    def close_session(self, session_id: str) -> None:
        """Nothing to end."""

    def sql(
        self,
        statement: str,
        parameters: Sequence[Mapping[str, Any]],
        *,
        catalog: str,
        schema: str,
        row_limit: int,
        session_id: str | None = None,
        statement_id: str = "",
    ) -> SqlResult:
        """One row, or an error."""
        if "forever" in statement:
            self._note("forever")
            threading.Event().wait()
        if "wrong" in statement:
            raise SqlError("cannot resolve wrong")
        return SqlResult(columns=(Column(name="one", type_text="int", type_name="INT"),), rows=[[1]])


if __name__ == "__main__":
    serve(load(Path(sys.argv[1]), os.environ), lambda settings: FileRunner(settings, Path(sys.argv[2])))
    os._exit(0)  # as the real one: the statement that runs for ever must not hold it
