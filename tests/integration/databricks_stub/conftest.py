"""A workspace as its own process, and the interpreters it and its clients run in."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox import health
from tests.interpreters import interpreter

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "integration-token"
WAIT_SECONDS = 30.0

BUNDLE = """
bundle: {name: contract}
resources:
  jobs:
    medallion:
      name: medallion
      parameters: [{name: day, default: "2024-01-01"}]
      tasks:
        - {task_key: bronze, notebook_task: {notebook_path: notebooks/some.py}}
        - {task_key: gold, notebook_task: {notebook_path: notebooks/some}, depends_on: [{task_key: bronze}]}
    failing:
      name: failing
      tasks: [{task_key: fail_here, notebook_task: {notebook_path: notebooks/some}}]
    napping:
      name: napping
      tasks: [{task_key: nap, notebook_task: {notebook_path: notebooks/some}}]
    slow:
      name: slow
      tasks: [{task_key: hold_on, notebook_task: {notebook_path: notebooks/some}}]
"""


def wait_until(predicate: Callable[[], Any], what: str, seconds: float = WAIT_SECONDS) -> Any:
    """The first true value; fails the test when none comes."""
    found: list[Any] = []

    def complaint() -> str:
        found[:] = [predicate()]
        return "" if found[0] else f"{what} did not happen"

    health.wait_until(complaint, timeout_seconds=seconds, interval_seconds=0.05)
    return found[0]


class WorkspaceProcess:
    """A workspace that a test starts, kills and starts again over the same state."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "tasks"
        self.project = root / "project"
        (self.project / "notebooks").mkdir(parents=True)
        (self.project / "notebooks" / "some.py").write_text("# Databricks notebook source\n")
        (self.project / "databricks.yml").write_text(BUNDLE)
        self.folder.mkdir()
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = root / "workspace.json"
        self.config.write_text(json.dumps(self._settings()))
        self.log = root / "log"
        self.client = httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10)
        self.process: subprocess.Popen[bytes] | None = None

    def _settings(self) -> dict[str, Any]:
        return {
            "port": self.port,
            "state_dir": str(self.root / "state"),
            "project_root": str(self.project),
            "bundle": str(self.project / "databricks.yml"),
            "warehouse_dir": str(self.root / "warehouse"),
            "engine": {"name": "fake", "python": sys.executable, "remote": "sc://127.0.0.1:1"},
            "runtime_dir": str(self.root),
        }

    def _command(self) -> list[str | Path]:
        return [interpreter("workspace"), Path(__file__).with_name("fake_workspace.py"), self.config, self.folder]

    def start(self) -> None:
        """Start it and wait until it is healthy."""
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(paths),
            "SANDBOX_DATABRICKS_TOKEN": TOKEN,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self._command(), env=environment, stdout=log, stderr=log)
        wait_until(self._healthy, f"a healthy workspace (its log: {self.log})")

    def _healthy(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            return bool(self.client.get("/health").json()["status"] == "healthy")
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def terminate(self) -> int:
        """SIGTERM; its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(WAIT_SECONDS)

    def close(self) -> None:
        """Leave nothing running."""
        if self.process is not None and self.process.poll() is None:
            self.kill()
        self.client.close()

    def started(self) -> list[str]:
        """The tasks that began, in order."""
        journal = self.folder / "started"
        return journal.read_text().split() if journal.exists() else []

    def job_id(self, name: str) -> int:
        """The id of the job of that name."""
        return int(self.client.get("/api/2.1/jobs/list", params={"name": name}).json()["jobs"][0]["job_id"])

    def run_now(self, name: str) -> int:
        """Start the job of that name; the run_id."""
        answer = self.client.post("/api/2.1/jobs/run-now", json={"job_id": self.job_id(name)})
        assert answer.status_code == 200, answer.text
        return int(answer.json()["run_id"])

    def run(self, run_id: int) -> dict[str, Any]:
        """The job_run as it is."""
        found: dict[str, Any] = self.client.get("/api/2.1/jobs/runs/get", params={"run_id": run_id}).json()
        return found

    def ended(self, run_id: int) -> dict[str, Any]:
        """The job_run once it has ended."""
        wait_until(lambda: "result_state" in self.run(run_id)["state"], f"the end of run {run_id}")
        return self.run(run_id)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[WorkspaceProcess]:
    """A healthy workspace."""
    made = WorkspaceProcess(tmp_path)
    try:
        made.start()
        yield made
    finally:
        made.close()
