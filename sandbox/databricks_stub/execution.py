"""TaskExecutor: runs one attempt of one task, whatever its kind, and says how it ended."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sandbox.databricks_stub.executed import folder
from sandbox.databricks_stub.jobspec import parse
from sandbox.databricks_stub.model import JobRun, TaskOutcome, TaskRun, TaskSpec
from sandbox.databricks_stub.notebook import NotebookOutcome, NotebookTask
from sandbox.databricks_stub.references import ReferenceMissing, names_for, resolve
from sandbox.databricks_stub.sources import SourceFinder, SourceNotFound
from sandbox.databricks_stub.states import Result, State, ended
from sandbox.databricks_stub.store.runs import RunStore
from sandbox.databricks_stub.worker import Finished

# Measured by the vendor's CLI team on serverless: a generic pointer; the exception itself is in get-output.
FAILURE_MESSAGE = "Workload failed, see run output for details"

CONDITIONS: Mapping[str, Callable[[str, str], bool]] = {
    "EQUAL_TO": lambda left, right: left == right,
    "NOT_EQUAL": lambda left, right: left != right,
    "GREATER_THAN": lambda left, right: float(left) > float(right),
    "GREATER_THAN_OR_EQUAL": lambda left, right: float(left) >= float(right),
    "LESS_THAN": lambda left, right: float(left) < float(right),
    "LESS_THAN_OR_EQUAL": lambda left, right: float(left) <= float(right),
}


class RunsNotebooks(Protocol):
    """What of NotebookRunner is needed here."""

    def run(self, task: NotebookTask, cancel: threading.Event) -> NotebookOutcome:
        """Execute a notebook to its end."""
        ...


@dataclass(frozen=True, kw_only=True)
class TaskExecutor:
    """Callable as worker.Execute."""

    runs: RunStore
    runner: RunsNotebooks
    sources: SourceFinder
    state_dir: Path
    workspace_url: str

    def __call__(self, run: JobRun, task: TaskRun, cancel: threading.Event) -> Finished:
        """Run the attempt to its end."""
        spec = parse(run.settings)
        task_spec = spec.task(task.task_key)
        tasks = self.runs.tasks(run.run_id)
        names = names_for(run, task, tasks, job_name=spec.name, workspace_url=self.workspace_url)
        try:
            match task_spec.kind:
                case "notebook_task":
                    return self._notebook(run, task, task_spec, names, tasks, cancel)
                case "condition_task":
                    return _condition(task_spec.body, names)
                case kind:
                    return _failed(
                        f"This fake workspace cannot run a {kind} yet; add it in sandbox/databricks_stub/execution.py."
                    )
        except (ReferenceMissing, SourceNotFound) as error:
            return _failed(str(error))

    def _notebook(
        self,
        run: JobRun,
        task: TaskRun,
        spec: TaskSpec,
        names: Mapping[str, str],
        tasks: list[TaskRun],
        cancel: threading.Event,
    ) -> Finished:
        workspace_path = resolve(str(spec.body["notebook_path"]), names)
        output_dir = folder(self.state_dir, run, task)
        output_dir.mkdir(parents=True, exist_ok=True)
        outcome = self.runner.run(
            NotebookTask(
                run_id=task.run_id,
                task_key=task.task_key,
                job_name=run.run_name,
                notebook_path=self.sources.notebook(workspace_path, output_dir / "source"),
                workspace_path=workspace_path,
                parameters=notebook_parameters(run, spec.body, names),
                output_dir=output_dir,
                timeout_seconds=spec.timeout_seconds,
                task_values={other.task_key: other.outcome.task_values for other in tasks if other.state.is_terminal},
            ),
            cancel,
        )
        return Finished(
            state=_state_of(outcome, spec.timeout_seconds),
            outcome=TaskOutcome(
                exit_value=outcome.exit_value,
                error=outcome.error,
                error_trace=outcome.error_trace,
                failed_notebook_cell=outcome.failed_notebook_cell,
                executed_notebook=str(outcome.executed_notebook),
                task_values=dict(outcome.task_values),
            ),
        )


def notebook_parameters(run: JobRun, body: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    """The widgets of a notebook: the task's, then run-now's, then the job's."""
    # Documented: https://docs.databricks.com/jobs/parameters - job parameters take precedence over task parameters.
    base = {str(name): resolve(str(value), names) for name, value in (body.get("base_parameters") or {}).items()}
    given = {str(name): str(value) for name, value in (run.overriding.get("notebook_params") or {}).items()}
    job = {name: resolve(value, names) for name, value in run.job_parameters.items()}
    return base | given | job


def _condition(body: Mapping[str, Any], names: Mapping[str, str]) -> Finished:
    op = str(body.get("op"))
    left, right = (resolve(str(body.get(side, "")), names) for side in ("left", "right"))
    if op not in CONDITIONS:
        return _failed(f"condition_task: op must be one of {', '.join(CONDITIONS)}, not {op!r}")
    try:
        holds = CONDITIONS[op](left, right)
    except ValueError:
        return _failed(f"condition_task: {op} compares numbers, not {left!r} and {right!r}")
    return Finished(state=ended(Result.SUCCESS), outcome=TaskOutcome(exit_value=str(holds).lower()))


def _state_of(outcome: NotebookOutcome, timeout_seconds: int | None) -> State:
    if outcome.timed_out:
        return ended(Result.TIMEDOUT, f"The task took longer than its timeout of {timeout_seconds} seconds.")
    if outcome.cancelled:
        return ended(Result.CANCELED, "Run cancelled.")
    if outcome.succeeded:
        return ended(Result.SUCCESS)
    return ended(Result.FAILED, FAILURE_MESSAGE)


def _failed(reason: str) -> Finished:
    return Finished(state=ended(Result.FAILED, reason), outcome=TaskOutcome(error=reason))
