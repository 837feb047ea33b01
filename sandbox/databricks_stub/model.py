"""What a job asks for, parsed: JobSpec and TaskSpec; and what happened: JobRun and TaskRun."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.databricks_stub.states import State


@dataclass(frozen=True, kw_only=True)
class Dependency:
    """One entry of `depends_on`; `outcome` is "true" or "false" behind a condition task."""

    task_key: str
    outcome: str | None = None


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """One task of a job; `kind` is the wire's key of its body: notebook_task, sql_task, …"""

    task_key: str
    kind: str
    body: Mapping[str, Any]
    depends_on: tuple[Dependency, ...] = ()
    run_if: str = "ALL_SUCCESS"
    max_retries: int = 0
    min_retry_interval_ms: int = 0
    retry_on_timeout: bool = False
    timeout_seconds: int | None = None


@dataclass(frozen=True, kw_only=True)
class JobSpec:
    """A job's settings, checked; `raw` is what the client gave and gets back."""

    name: str
    tasks: tuple[TaskSpec, ...]
    parameters: Mapping[str, str]
    max_concurrent_runs: int
    queue_enabled: bool
    timeout_seconds: int | None
    raw: Mapping[str, Any] = field(repr=False)

    def task(self, task_key: str) -> TaskSpec:
        """The task of that key; KeyError when there is none."""
        for task in self.tasks:
            if task.task_key == task_key:
                return task
        raise KeyError(task_key)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job as the Jobs API knows it; `source` is the bundle's file when it comes from there."""

    job_id: int
    settings: Mapping[str, Any]
    created_time: int
    source: str | None = None


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What run-now or submit asks for, once accepted."""

    job_id: int
    run_name: str
    run_type: str
    settings: Mapping[str, Any]
    overriding: Mapping[str, Any] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    idempotency_token: str | None = None


@dataclass(frozen=True, kw_only=True)
class Repair:
    """One entry of `repair_history` beyond the original run.

    `state_before` and `end_before` are how the job_run had ended when it was repaired; None where a former version of
    the sandbox did not keep them.
    """

    repair_id: int
    start_time: int
    task_run_ids: tuple[int, ...]
    state_before: State | None = None
    end_before: int | None = None


@dataclass(frozen=True, kw_only=True)
class JobRun:
    """One run of a job, or a one-time run; its settings are those of the moment it was accepted."""

    run_id: int
    job_id: int
    run_name: str
    run_type: str
    settings: Mapping[str, Any] = field(repr=False)
    overriding: Mapping[str, Any]
    only: tuple[str, ...]
    state: State
    created_time: int
    start_time: int | None
    end_time: int | None
    cancel_requested: bool
    repairs: tuple[Repair, ...] = ()

    @property
    def job_parameters(self) -> dict[str, str]:
        """Every job parameter with its value for this run."""
        defaults = {item["name"]: str(item.get("default", "")) for item in self.settings.get("parameters") or ()}
        return defaults | {str(k): str(v) for k, v in (self.overriding.get("job_parameters") or {}).items()}


@dataclass(frozen=True, kw_only=True)
class TaskOutcome:
    """What a finished attempt left behind; `executed_notebook` is the path of the notebook with its outputs."""

    exit_value: str | None = None
    error: str | None = None
    error_trace: str | None = None
    failed_notebook_cell: int | None = None
    executed_notebook: str | None = None
    task_values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TaskRun:
    """One attempt of one task of a job_run; the highest attempt is the current one.

    Since the run began or was repaired, `retries` counts the failures before this attempt, and `interruptions` the
    workspace's own stops before and during it.
    """

    run_id: int
    job_run_id: int
    task_key: str
    position: int
    attempt: int
    state: State
    start_time: int | None
    end_time: int | None
    not_before: int | None
    cancel_requested: bool
    interruptions: int
    retries: int
    outcome: TaskOutcome
