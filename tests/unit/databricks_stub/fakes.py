"""Fakes for the workspace's seams: clock, ids, notebook runner; and a workspace over them."""

from __future__ import annotations

import itertools
import json
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.assembly import Workspace, assemble
from sandbox.databricks_stub.notebook import Column, NotebookOutcome, NotebookTask, SqlError, SqlResult
from sandbox.databricks_stub.settings import Engine, Settings, Volume

with warnings.catch_warnings():
    # Starlette wants a package that the tool does not have; with httpx its test client works the same.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

TOKEN = "a-token"
NOTEBOOK = "# Databricks notebook source\n"
WAIT_SECONDS = 20.0


class FakeClock:
    """A clock that a test turns."""

    def __init__(self, now_ms: int = 1_000_000) -> None:
        self.now = now_ms

    def now_ms(self) -> int:
        """The time that the test has set."""
        return self.now


class CountingIds:
    """Ids that can be told apart at a glance; they go on counting when a workspace is started again."""

    _numbers = itertools.count(1001)

    def number(self) -> int:
        """The next number."""
        return next(self._numbers)

    def text(self) -> str:
        """The next number as a UUID."""
        return f"00000000-0000-4000-8000-{self.number():012d}"


class Changes:
    """Lets a test wait until the workspace has got somewhere."""

    def __init__(self) -> None:
        self._condition = threading.Condition()

    def happened(self) -> None:
        """Called by the workspace after every change."""
        with self._condition:
            self._condition.notify_all()

    def wait_until(self, predicate: Callable[[], bool]) -> None:
        """Return as soon as the predicate holds; fail the test when it does not come true."""
        with self._condition:
            assert self._condition.wait_for(predicate, timeout=WAIT_SECONDS), "it did not happen in time"


@dataclass
class FakeRunner:
    """Runs no notebook: answers by task_key, holds tasks back as long as the test wants, and remembers everything."""

    outcomes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    held: dict[str, threading.Event] = field(default_factory=dict)
    changes: Changes = field(default_factory=Changes)
    started: list[str] = field(default_factory=list)
    tasks: list[NotebookTask] = field(default_factory=list)
    running: set[str] = field(default_factory=set)
    most_at_once: int = 0
    statements: list[tuple[str, Any, str, str]] = field(default_factory=list)
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    interrupted: list[str] = field(default_factory=list)
    sessions_of: list[str | None] = field(default_factory=list)
    results: dict[str, SqlResult] = field(default_factory=dict)
    sql_gate: threading.Event | None = None
    closed: bool = False

    def start(self) -> None:
        """Nothing to warm up."""

    def close(self) -> None:
        """Remember it."""
        self.closed = True

    def hold(self, *task_keys: str) -> None:
        """Let these tasks run until `release`."""
        for key in task_keys:
            self.held[key] = threading.Event()

    def release(self, *task_keys: str) -> None:
        """Let these tasks end."""
        for key in task_keys:
            self.held.pop(key).set()

    def run(self, task: NotebookTask, cancel: threading.Event) -> NotebookOutcome:
        """The next of the task's outcomes; success when there is none."""
        self.tasks.append(task)
        self.started.append(task.task_key)
        self.running.add(task.task_key)
        self.most_at_once = max(self.most_at_once, len(self.running))
        self.changes.happened()
        gate = self.held.get(task.task_key)
        while gate is not None and not gate.wait(0.01) and not cancel.is_set():
            pass
        self.running.discard(task.task_key)
        answers = self.outcomes.get(task.task_key) or [{}]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if cancel.is_set():
            answer = {"succeeded": False, "cancelled": True}
        return outcome(task.output_dir, **answer)

    def interrupt(self, statement_id: str) -> None:
        """Remember it."""
        self.interrupted.append(statement_id)

    def open_session(
        self, session_id: str, *, catalog: str, schema: str | None, configuration: Mapping[str, str]
    ) -> None:
        """Remember it; there is no schema `missing`."""
        if schema == "missing":
            raise SqlError("[SCHEMA_NOT_FOUND] The schema `missing` cannot be found. SQLSTATE: 42704")
        self.sessions[session_id] = {"catalog": catalog, "schema": schema, "configuration": dict(configuration)}

    def close_session(self, session_id: str) -> None:
        """Forget it."""
        self.sessions.pop(session_id, None)

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
        """One column of numbers up to the number in `select N`; `select wrong` fails; others as the test has it."""
        self.statements.append((statement, parameters, catalog, schema))
        self.sessions_of.append(session_id)
        self.changes.happened()
        if self.sql_gate is not None:
            self.sql_gate.wait(WAIT_SECONDS)
        if statement in self.results:
            return self.results[statement]
        last = statement.rsplit(maxsplit=1)[-1]
        if not last.isdecimal():
            raise SqlError(f"cannot resolve {last}")
        rows: list[list[Any]] = [[number] for number in range(min(int(last), row_limit))]
        return SqlResult(columns=(Column(name="n", type_text="int", type_name="INT"),), rows=rows)


def outcome(output_dir: Path, **values: Any) -> NotebookOutcome:
    """An outcome with an executed notebook beside it."""
    executed = output_dir / "executed.ipynb"
    executed.write_text(
        json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": values.pop("cells", [])})
    )
    given: dict[str, Any] = {
        "succeeded": True,
        "exit_value": None,
        "error": None,
        "error_trace": None,
        "failed_notebook_cell": None,
        "executed_notebook": executed,
        "task_values": {},
        "cancelled": False,
        "timed_out": False,
    }
    return NotebookOutcome(**(given | values))


def settings(root: Path, **changes: Any) -> Settings:
    """Settings of a workspace whose project and state lie under `root`."""
    project = root / "project"
    (project / "notebooks").mkdir(parents=True, exist_ok=True)
    (project / "notebooks" / "some.py").write_text(NOTEBOOK)
    given: dict[str, Any] = {
        "port": 8090,
        "state_dir": root / "state",
        "project_root": project,
        "warehouse_dir": root / "warehouse",
        "engine": Engine(name="fake", python=root / "python", remote="sc://127.0.0.1:1"),
        "runtime_dir": root,
        "volumes": (Volume(name="projects.default.my_volume", location="s3://bucket/raw/"),),
        "token": TOKEN,
    }
    return Settings(**(given | changes))


class Harness:
    """A workspace over fakes, with a client that has the token."""

    def __init__(self, root: Path, runner: FakeRunner | None = None, clock: Any = None, **changes: Any) -> None:
        delay = changes.pop("failure_delay_ms", 0)
        self.settings = settings(root, **changes)
        self.runner = runner or FakeRunner()
        self.changes = self.runner.changes
        self.log: list[str] = []
        self.workspace: Workspace = assemble(
            self.settings,
            self.runner,
            clock=clock,
            ids=CountingIds(),
            failure_delay_ms=delay,
            log=self.log.append,
            on_change=self.changes.happened,
        )
        self.client = self.browser()
        self.client.headers["Authorization"] = f"Bearer {TOKEN}"

    def browser(self) -> TestClient:
        """A client without the token."""
        return TestClient(self.workspace.app, base_url="http://127.0.0.1:8090")

    def start(self) -> Harness:
        """Begin to run what is accepted."""
        self.workspace.start()
        return self

    def get(self, path: str, /, **params: Any) -> Any:
        """The answer to a GET, which must succeed."""
        answer = self.client.get(f"/api{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, /, **body: Any) -> Any:
        """The answer to a POST, which must succeed."""
        answer = self.client.post(f"/api{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def submit(self, *tasks: dict[str, Any], **body: Any) -> int:
        """A one-time run of these tasks; its run_id."""
        return int(self.post("/2.1/jobs/runs/submit", tasks=list(tasks), **body)["run_id"])

    def run(self, run_id: int) -> dict[str, Any]:
        """The job_run as it is."""
        found: dict[str, Any] = self.get("/2.1/jobs/runs/get", run_id=run_id)
        return found

    def ended(self, run_id: int) -> dict[str, Any]:
        """The job_run once it has ended."""
        self.changes.wait_until(lambda: "result_state" in self.run(run_id)["state"])
        return self.run(run_id)

    def results(self, run_id: int) -> dict[str, str]:
        """The result of every task once the job_run has ended."""
        return {task["task_key"]: task["state"]["result_state"] for task in self.ended(run_id)["tasks"]}


def task(key: str, *depends_on: str, **fields: Any) -> dict[str, Any]:
    """A notebook task as a client writes it."""
    body: dict[str, Any] = {"task_key": key, "notebook_task": {"notebook_path": "/Workspace/notebooks/some"}}
    if depends_on:
        body["depends_on"] = [{"task_key": other} for other in depends_on]
    return body | fields


def refusal(harness: Harness, path: str, **body: Any) -> tuple[int, str, str]:
    """Status, code and message of a POST that is refused."""
    answer = harness.client.post(f"/api{path}", json=body)
    return answer.status_code, answer.json()["error_code"], answer.json()["message"]
