"""Job settings as they come from a client or a bundle, checked and parsed into a JobSpec.

All problems of one job are reported together. Numbers may come as strings: the Airflow provider sends every number so.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.databricks_stub.model import Dependency, JobSpec, TaskSpec

TASK_KINDS = (
    "notebook_task",
    "condition_task",
    "dashboard_task",
    "dbt_task",
    "for_each_task",
    "pipeline_task",
    "power_bi_task",
    "python_wheel_task",
    "run_job_task",
    "spark_jar_task",
    "spark_python_task",
    "spark_submit_task",
    "sql_task",
)
EXECUTED_KINDS = frozenset({"notebook_task", "condition_task"})
"""Those that `execution` has a case for; the others fail."""
RUN_IF = frozenset(
    {"ALL_SUCCESS", "ALL_DONE", "NONE_FAILED", "AT_LEAST_ONE_SUCCESS", "ALL_FAILED", "AT_LEAST_ONE_FAILED"}
)
# Documented: https://docs.databricks.com/api/workspace/jobs/create - task_key is required, at most 100 characters.
MAX_TASK_KEY_LENGTH = 100
DEFAULT_NAME = "Untitled"


class JobSpecError(Exception):
    """Settings that no job can have; `problems` lists all of them."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


def parse(settings: Mapping[str, Any], *, queue_by_default: bool = True) -> JobSpec:
    """The JobSpec of these settings; raises JobSpecError with every problem."""
    problems: list[str] = []
    tasks = tuple(
        task
        for index, raw in enumerate(_tasks(settings, problems))
        if (task := _task(raw, index, problems)) is not None
    )
    if not problems:
        problems += _graph_problems(tasks)
    queue = settings.get("queue")
    if queue is not None and not isinstance(queue, Mapping):
        problems.append("queue must be an object")
    spec = JobSpec(
        name=str(settings.get("name") or DEFAULT_NAME),
        tasks=tasks,
        parameters=_parameters(settings.get("parameters"), problems),
        max_concurrent_runs=_number(settings, "max_concurrent_runs", 1, problems, low=0, high=1000),
        queue_enabled=bool(queue.get("enabled")) if isinstance(queue, Mapping) else queue_by_default,
        timeout_seconds=_number(settings, "timeout_seconds", 0, problems) or None,
        raw=settings,
    )
    if problems:
        raise JobSpecError(problems)
    return spec


def normalised(settings: Mapping[str, Any], *, queue_by_default: bool = True) -> dict[str, Any]:
    """The settings as the server keeps them: multi-task format, defaults filled in, no client-side extras."""
    kept = {key: value for key, value in settings.items() if key not in NOT_SETTINGS}
    tasks = [dict(task) for task in _tasks(settings, [])]
    for task in tasks:
        # Documented: the server fills in these defaults (seen in the CLI's test server too).
        task.setdefault("run_if", "ALL_SUCCESS")
        task.setdefault("timeout_seconds", 0)
        task.setdefault("email_notifications", {})
    for key in (*TASK_KINDS, *LEGACY_TASK_KEYS):
        kept.pop(key, None)
    kept.setdefault("name", DEFAULT_NAME)
    kept.setdefault("email_notifications", {})
    kept.setdefault("webhook_notifications", {})
    kept.setdefault("timeout_seconds", 0)
    kept.setdefault("max_concurrent_runs", 1)
    kept.setdefault("queue", {"enabled": queue_by_default})
    return {**kept, "format": "MULTI_TASK", "tasks": tasks}


NOT_SETTINGS = frozenset({"access_control_list", "permissions", "idempotency_token", "job_id", "run_name", "version"})
LEGACY_TASK_KEYS = (
    "existing_cluster_id",
    "new_cluster",
    "libraries",
    "max_retries",
    "min_retry_interval_millis",
    "retry_on_timeout",
)


def _tasks(settings: Mapping[str, Any], problems: list[str]) -> list[Mapping[str, Any]]:
    tasks = settings.get("tasks")
    if tasks is None:
        single = {key: settings[key] for key in (*TASK_KINDS, *LEGACY_TASK_KEYS) if key in settings}
        # Documented: a job of API 2.0 has its one task's fields at the top; later APIs call that task "main".
        return [{"task_key": _single_task_key(settings), **single}] if any(key in single for key in TASK_KINDS) else []
    if not isinstance(tasks, list) or not all(isinstance(task, Mapping) for task in tasks):
        problems.append("tasks must be a list of objects")
        return []
    return tasks


def _single_task_key(settings: Mapping[str, Any]) -> str:
    # Assumed: a submitted run's one task is called after the run. The provider's DatabricksNotebookOperator and
    # DatabricksTaskOperator look for their task under the run_name that they gave.
    name = str(settings.get("run_name") or "")
    return name if re.fullmatch(r"[\w-]{1,100}", name, re.ASCII) else "main"


def _task(raw: Mapping[str, Any], index: int, problems: list[str]) -> TaskSpec | None:
    key = raw.get("task_key")
    if not isinstance(key, str) or not key:
        problems.append(f"task {index + 1} has no task_key")
        return None
    found: list[str] = []
    if len(key) > MAX_TASK_KEY_LENGTH:
        found.append(f"task_key is longer than {MAX_TASK_KEY_LENGTH} characters")
    kind = _kind(raw, found)
    run_if = str(raw.get("run_if") or "ALL_SUCCESS")
    if run_if not in RUN_IF:
        found.append(f"run_if must be one of {', '.join(sorted(RUN_IF))}, not {run_if!r}")
    task = TaskSpec(
        task_key=key,
        kind=kind,
        body=raw.get(kind) or {},
        depends_on=_depends_on(raw, found),
        run_if=run_if,
        max_retries=_number(raw, "max_retries", 0, found, low=-1),
        min_retry_interval_ms=_number(raw, "min_retry_interval_millis", 0, found),
        retry_on_timeout=_truth(raw.get("retry_on_timeout")),
        timeout_seconds=_number(raw, "timeout_seconds", 0, found) or None,
    )
    problems += [f"task {key!r}: {problem}" for problem in found]
    return None if found else task


def _kind(raw: Mapping[str, Any], problems: list[str]) -> str:
    kinds = [kind for kind in TASK_KINDS if raw.get(kind) is not None]
    if len(kinds) != 1:
        problems.append(f"must have exactly one of {', '.join(TASK_KINDS)}; it has {', '.join(kinds) or 'none'}")
        return ""
    body = raw[kinds[0]]
    if not isinstance(body, Mapping):
        problems.append(f"{kinds[0]} must be an object")
    elif kinds[0] == "notebook_task" and not isinstance(body.get("notebook_path"), str):
        problems.append("notebook_task needs a notebook_path")
    return kinds[0]


def _depends_on(raw: Mapping[str, Any], problems: list[str]) -> tuple[Dependency, ...]:
    found = raw.get("depends_on") or []
    if not isinstance(found, list) or not all(isinstance(item, Mapping) and "task_key" in item for item in found):
        problems.append("depends_on must be a list of {task_key: …}")
        return ()
    return tuple(
        Dependency(task_key=str(item["task_key"]), outcome=_optional_text(item.get("outcome"))) for item in found
    )


def _graph_problems(tasks: Sequence[TaskSpec]) -> list[str]:
    counts = Counter(task.task_key for task in tasks)
    problems = [f"task_key {key!r} is used {count} times" for key, count in sorted(counts.items()) if count > 1]
    for task in tasks:
        for dependency in task.depends_on:
            if dependency.task_key not in counts:
                problems.append(
                    f"task {task.task_key!r} depends on {dependency.task_key!r}, which is no task of the job"
                )
    if not problems and (cycle := _cycle(tasks)):
        problems.append(f"depends_on has a cycle among {', '.join(cycle)}")
    return problems


def _cycle(tasks: Sequence[TaskSpec]) -> list[str]:
    waiting = {task.task_key: {dependency.task_key for dependency in task.depends_on} for task in tasks}
    while ready := [key for key, upstream in waiting.items() if not upstream & waiting.keys()]:
        for key in ready:
            del waiting[key]
    return sorted(waiting)


def _parameters(found: Any, problems: list[str]) -> dict[str, str]:
    if found is None:
        return {}
    if not isinstance(found, list) or not all(isinstance(item, Mapping) and "name" in item for item in found):
        problems.append("parameters must be a list of {name: …, default: …}")
        return {}
    return {str(item["name"]): str(item.get("default", "")) for item in found}


def _number(
    source: Mapping[str, Any], key: str, default: int, problems: list[str], *, low: int = 0, high: int | None = None
) -> int:
    found = source.get(key)
    if found is None:
        return default
    try:
        number = int(str(found))
    except ValueError:
        problems.append(f"{key} must be a whole number, not {found!r}")
        return default
    if number < low or (high is not None and number > high):
        problems.append(
            f"{key} must be at least {low}" + (f" and at most {high}" if high is not None else "") + f", not {number}"
        )
    return number


def _truth(value: Any) -> bool:
    return str(value).lower() == "true"


def _optional_text(value: Any) -> str | None:
    return None if value is None else str(value)
