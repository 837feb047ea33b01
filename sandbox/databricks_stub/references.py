"""Dynamic value references, `{{job.run_id}}` and the like, in the parameters of a task."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sandbox.databricks_stub.model import JobRun, TaskRun

REFERENCE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
# Documented with brackets around what one fills in, `job.parameters.[name]`; Databricks' own examples keep them
BRACKETS = re.compile(r"\.?\[[\"']?([^\[\]\"']+)[\"']?\]")
# Documented: names with other characters than letters, digits and _ stand in backticks
BACKTICKS = re.compile(r"`([^`]+)`")
WORKSPACE_ID = "1"

TIME_PARTS = (
    *("iso_date", "iso_datetime", "iso_weekday", "is_weekday", "timestamp_ms"),
    *("year", "month", "day", "hour", "minute", "second"),
)
KNOWN = frozenset(
    {
        *("job.id", "job.name", "job.run_id", "job.repair_count", "job.trigger.type", "job.trigger.time"),
        *("job.trigger.file_arrival.location", "job.trigger.table_update.updated_tables"),
        *("task.name", "task.run_id", "task.execution_count", "task.notebook_path", "workspace.id", "workspace.url"),
        *(f"{moment}.{part}" for moment in ("job.start_time", "job.trigger.time", "backfill") for part in TIME_PARTS),
        # the older spellings, still accepted
        *("job_id", "run_id", "parent_run_id", "task_key", "task_retry_count", "start_date", "start_time"),
    }
)
"""The documented names besides those of job parameters, other tasks and the input of a for-each task.

Documented: https://docs.databricks.com/jobs/dynamic-value-references
"""
OF_TASKS = ("run_id", "result_state", "error_code", "execution_count", "notebook_path", "values", "output")
"""What there is of another task: `tasks.<task_key>.run_id` and so on."""


class ReferenceMissing(Exception):
    """A reference to a task value or a job parameter that nobody has set."""


def mentioned(text: str) -> Iterator[str]:
    """The names of all references in a text."""
    return (_name(found) for found in REFERENCE.finditer(text))


def substituted(text: str, value: Callable[[str], str]) -> str:
    """The text with each reference replaced by the value of its name."""
    return REFERENCE.sub(lambda found: value(_name(found)), text)


def resolve(text: str, names: Mapping[str, str]) -> str:
    """The text with its references replaced.

    A reference to an unknown name stays as it is, but one to a task value or a job parameter that does not exist raises
    ReferenceMissing: the task fails, as on Databricks.
    """
    # Documented: https://docs.databricks.com/jobs/dynamic-value-references

    def replaced(match: re.Match[str]) -> str:
        name = _name(match)
        if name in names:
            return names[name]
        if name.startswith("job.parameters.") or ".values." in name:
            raise ReferenceMissing(f"{match[0]} refers to a value that does not exist")
        return match[0]

    return REFERENCE.sub(replaced, text)


def names_for(
    run: JobRun, task: TaskRun, tasks: Sequence[TaskRun], *, job_name: str, workspace_url: str
) -> dict[str, str]:
    """Everything that a task's parameters can refer to."""
    names = {
        "job.id": str(run.job_id),
        "job.name": job_name,
        "job.run_id": str(run.run_id),
        "job.repair_count": str(len(run.repairs)),
        "job.trigger.type": "one_time",
        "task.name": task.task_key,
        "task.run_id": str(task.run_id),
        "task.execution_count": str(task.attempt + 1),
        "workspace.id": WORKSPACE_ID,
        "workspace.url": workspace_url,
        # Documented: the older spellings, still accepted.
        "job_id": str(run.job_id),
        "run_id": str(task.run_id),
        "parent_run_id": str(run.run_id),
        "task_key": task.task_key,
        "task_retry_count": str(task.attempt),
    }
    names |= _times("job.start_time", run.start_time or run.created_time)
    names |= {f"job.parameters.{name}": value for name, value in run.job_parameters.items()}
    for other in tasks:
        prefix = f"tasks.{other.task_key}"
        names[f"{prefix}.run_id"] = str(other.run_id)
        names[f"{prefix}.execution_count"] = str(other.attempt + 1)
        if other.state.result is not None:
            names[f"{prefix}.result_state"] = other.state.result.lower()
        names |= {f"{prefix}.values.{key}": _text(value) for key, value in other.outcome.task_values.items()}
    return names


def _times(prefix: str, milliseconds: int) -> dict[str, str]:
    moment = datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
    return {
        f"{prefix}.timestamp_ms": str(milliseconds),
        f"{prefix}.iso_date": moment.strftime("%Y-%m-%d"),
        f"{prefix}.iso_datetime": moment.strftime("%Y-%m-%dT%H:%M:%S"),
        f"{prefix}.iso_weekday": str(moment.isoweekday()),
        f"{prefix}.is_weekday": str(moment.isoweekday() < 6).lower(),
        **{
            f"{prefix}.{part}": str(getattr(moment, part))
            for part in ("year", "month", "day", "hour", "minute", "second")
        },
        "start_date": moment.strftime("%Y-%m-%d"),
        "start_time": str(milliseconds),
    }


def _name(reference: re.Match[str]) -> str:
    return BACKTICKS.sub(r"\1", BRACKETS.sub(r".\1", reference[1]))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
