"""Runs notebooks given as text, for the tests of the runner."""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.notebook import NotebookOutcome, NotebookRunner, NotebookTask
from sandbox.databricks_stub.settings import Engine, Settings
from tests.integration.databricks_stub.conftest import ROOT, wait_until
from tests.interpreters import interpreter

HEADER = "# Databricks notebook source\n"
SEPARATOR = "\n\n# COMMAND ----------\n\n"
SECRETS = {"scope": {"key": "hidden-value"}}


def source(*cells: str) -> str:
    """A notebook in source format."""
    return HEADER + SEPARATOR.join(cells)


def magic(text: str) -> str:
    """A cell of another language, as it stands in source format."""
    return "\n".join(f"# MAGIC {line}" for line in text.splitlines())


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A runner, and a folder with notebooks."""

    runner: NotebookRunner
    settings: Settings
    folder: Path
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def task(self, path: Path, **changes: Any) -> NotebookTask:
        """A task for a notebook file."""
        number = next(self.numbers)
        values: dict[str, Any] = {
            "run_id": number,
            "task_key": "task",
            "job_name": "job",
            "notebook_path": path,
            "workspace_path": f"/{path.stem}",
            "parameters": {},
            "output_dir": self.folder / "outputs" / str(number),
            "timeout_seconds": None,
            "task_values": {},
        }
        return NotebookTask(**values | changes)

    def run(
        self, text: str, *, name: str = "notebook.py", cancel: threading.Event | None = None, **changes: Any
    ) -> NotebookOutcome:
        """Execute a notebook given as text."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return self.runner.run(self.task(path, **changes), cancel or threading.Event())


def shown(outcome: NotebookOutcome, number: int) -> str:
    """The text of a cell's outputs, by its number in the executed notebook."""
    cell = json.loads(outcome.executed_notebook.read_text("utf-8"))["cells"][number - 1]
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell["outputs"]]
    return "".join(texts)


@contextmanager
def bench(folder: Path, *, engine: str, remote: str = "sc://127.0.0.1:1") -> Iterator[Bench]:
    """A runner with kernels of the engine's interpreter."""
    # a Unix socket's path has at most 104 characters, those of pytest are long
    with tempfile.TemporaryDirectory(prefix="nb-") as short:
        for name in ("state", "warehouse"):
            (folder / name).mkdir(exist_ok=True)
        settings = Settings(
            port=1,
            state_dir=folder / "state",
            project_root=folder,
            warehouse_dir=folder / "warehouse",
            secrets=SECRETS,
            engine=Engine(name=engine, python=interpreter("engine-sail"), remote=remote),
            runtime_dir=Path(short),
        )
        runner = NotebookRunner(settings)
        runner.start()
        try:
            yield Bench(runner=runner, settings=settings, folder=folder)
        finally:
            runner.close()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def sail_server(folder: Path, environment: Mapping[str, str], port: int | None = None) -> Iterator[str]:
    """The Spark engine as its own process; its address. At the end it is killed, not stopped."""
    port = port or free_port()
    warehouse = folder / "warehouse"
    warehouse.mkdir(exist_ok=True)
    command = [str(interpreter("engine-sail")), "-m", "sandbox.databricks_stub.kernel.sail.server"]
    command += ["--port", str(port), "--catalog", "projects", "--schema", "default", "--warehouse", str(warehouse)]
    with (folder / "sail.log").open("ab") as log:
        process = subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": str(ROOT), **environment}, stdout=log, stderr=log, cwd=folder
        )
    try:
        wait_until(lambda: _answers(port), f"the Spark engine (its log: {folder / 'sail.log'})")
        yield f"sc://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
