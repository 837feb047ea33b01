"""What is kept of an execution: a notebook file that is whole after every cell, and the outcome."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from sandbox.databricks_stub.notebook import record as module
from sandbox.databricks_stub.notebook.kernel_client import CellError, Execution
from sandbox.databricks_stub.notebook.model import NotebookTask
from sandbox.databricks_stub.notebook.record import Record
from sandbox.databricks_stub.notebook.secrets import REVEALED_FILE, Redactor
from sandbox.databricks_stub.notebook_source import NotebookCell


def cell(source: str, line: int, kind: Any = "code") -> NotebookCell:
    return NotebookCell(kind=kind, source=source, code=source, line=line)


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"msg_type": "stream", "header": {"msg_type": "stream"}, "content": {"name": name, "text": text}}


@pytest.fixture
def record(tmp_path: Path) -> Record:
    task = NotebookTask(
        run_id=1,
        task_key="k",
        job_name="j",
        notebook_path=Path("/x/n.py"),
        workspace_path="/n",
        parameters={},
        output_dir=tmp_path,
        timeout_seconds=None,
        task_values={},
    )
    made = Record(task, Redactor({"s": {"k": "hidden"}}, tmp_path))
    made.begin([cell("# hi", 2, "markdown"), cell("a", 5), cell("b", 9)])
    return made


def outputs(record: Record, number: int) -> list[Any]:
    found: list[Any] = json.loads(record.file.read_text("utf-8"))["cells"][number - 1]["outputs"]
    return found


def test_the_file_is_a_valid_notebook_from_the_beginning(record: Record) -> None:
    notebook = nbformat.read(record.file, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    assert [found.metadata["line"] for found in notebook.cells] == [2, 5, 9]


def test_writes_to_one_stream_become_one_output(record: Record) -> None:
    record.enter(2)
    for text in ("a", "b"):
        record.show(stream(text))
    record.show(stream("c", "stderr"))
    record.leave(Execution(execution_count=1))
    assert [(output["name"], output["text"]) for output in outputs(record, 2)] == [("stdout", "ab"), ("stderr", "c")]


def test_an_error_names_file_line_cell_and_its_first_line_only(record: Record) -> None:
    record.enter(3)
    error = CellError(name="ValueError", value="\x1b[31mbad\x1b[0m\nplan: …", traceback=("\x1b[31mTrace", "back"))
    record.leave(Execution(error=error))
    outcome = record.ended_by(error, cell=3)
    assert not outcome.succeeded
    assert outcome.error == "ValueError: bad"
    assert outcome.error_trace == "/x/n.py:9 (notebook_cell 3)\nTrace\nback"
    assert outcome.failed_notebook_cell == 3


def test_what_a_killed_kernel_had_printed_is_kept(record: Record) -> None:
    record.enter(2)
    record.show(stream("before"))
    outcome = record.lost("the kernel was killed by SIGKILL")
    assert outcome.error == "the kernel was killed by SIGKILL in notebook_cell 2 (/x/n.py:5)"
    assert outputs(record, 2)[0]["text"] == "before"


def test_secrets_are_in_neither_outputs_nor_errors(record: Record, tmp_path: Path) -> None:
    (tmp_path / REVEALED_FILE).write_text('[["s", "k"]]')
    record.enter(2)
    record.show(stream("hid"))
    record.show(stream("den"))
    error = CellError(name="E", value="hidden", traceback=("hidden",))
    record.leave(Execution(error=error))
    outcome = record.ended_by(error, cell=2)
    assert outcome.error == "E: [REDACTED]"
    assert "hidden" not in f"{outcome.error_trace}{record.file.read_text('utf-8')}"


def test_output_beyond_the_limit_is_left_out_and_said_to_be(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CELL_LIMIT", 200)
    record.enter(2)
    for _ in range(50):
        record.show(stream("x" * 20))
    record.leave(Execution())
    first, note = outputs(record, 2)
    assert len(first["text"]) < 200
    assert "left out" in note["text"]


def test_task_values_come_with_the_outcome(record: Record, tmp_path: Path) -> None:
    (tmp_path / "task_values.json").write_text('{"rows": 3}')
    assert record.succeeded("done").task_values == {"rows": 3}
