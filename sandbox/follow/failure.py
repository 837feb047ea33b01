"""Why a chain failed: the excerpt of the task's log, the notebook cell with its output and traceback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox import health
from sandbox.clients.airflow import AirflowClient, TaskLog
from sandbox.clients.databricks import DatabricksClient
from sandbox.clients.http import ApiAnswer
from sandbox.follow.chain import ChainState

LOG_LINES = 25
LIBRARIES = ("/site-packages/", "/lib/python3.", "/sandbox/databricks_stub/")
"""Files whose frames in a notebook's traceback say nothing about the notebook."""
LOG_SECONDS = 15.0
"""How long a failed task's log may take to come: a worker pod tells the task's state first, and then sends its log."""


def explain(state: ChainState, airflow: AirflowClient, databricks: DatabricksClient) -> str:
    """What failed, innermost cause first: notebooks, then the Airflow tasks with the end of their logs."""
    parts: list[str] = []
    explained = {tuple(job_run["triggered_by"].values()) for job_run in state.job_runs if job_run["state"] != "SUCCESS"}
    for job_run in state.job_runs:
        failed = [task for task in job_run["tasks"] if task["state"] in ("FAILED", "TIMEDOUT", "INTERNAL_ERROR")]
        for task in failed:
            parts.append(_notebook(job_run, task, databricks))
        if not failed and job_run["state"] != "SUCCESS":
            parts.append(f"job_run {job_run['job']} {job_run['state'].lower()}: {job_run['state_message']}")
    for run in state.dag_runs:
        failed_tasks = [task for task in run["tasks"] if task["state"] == "failed"]
        parts += [
            _task_log(run, task, airflow)
            for task in failed_tasks
            # the log of a task that waited for a job_run only repeats what its notebooks have said
            if (run["dag_id"], run["run_id"], task["task_id"]) not in explained
        ]
        if run["state"] == "failed" and not failed_tasks:
            parts.append(f"dag_run {run['dag_id']} failed without a failed task: {run['url']}")
    return "\n".join(parts)


def _notebook(job_run: Mapping[str, Any], task: Mapping[str, Any], databricks: DatabricksClient) -> str:
    output = databricks.run_output(task["run_id"])
    lines = [f"task {task['task_key']} of job_run {job_run['job']} failed: {task['url']}"]
    cell = databricks.failed_notebook_cell(output)
    if cell:
        lines.append(f"notebook cell {cell.number}:")
        lines += [f"  │ {line}" for line in cell.source.splitlines()]
        if cell.output:
            lines.append("its output:")
            lines += [f"  {line}" for line in cell.output.splitlines()[-LOG_LINES:]]
    lines += _without_libraries(output.get("error_trace") or output.get("error") or "").splitlines()[-LOG_LINES:]
    return "\n".join(lines)


def _without_libraries(trace: str) -> str:
    """A notebook's traceback with the frames of its own code only: the others push them out of what is shown."""
    # IPython's form: a paragraph for each frame
    return "\n\n".join(
        frame
        for frame in trace.split("\n\n")
        if not (frame.startswith("File ") and any(place in frame.partition("\n")[0] for place in LIBRARIES))
    )


def _task_log(run: Mapping[str, Any], task: Mapping[str, Any], airflow: AirflowClient) -> str:
    what = f"task {run['dag_id']}.{task['task_id']} failed (try {task['try_number']}):"
    try:
        log = _log(run, task, airflow)
    except health.StillWaiting as error:
        return f"{what}\n  its log cannot be read: {error}"
    shown = "\n".join(f"    {line}" for line in log.lines[-LOG_LINES:])
    reason = f"\n  {log.raised}" if log.raised else ""
    return f"{what}{reason}\n  the end of its log:\n{shown}"


def _log(run: Mapping[str, Any], task: Mapping[str, Any], airflow: AirflowClient) -> TaskLog:
    found: list[TaskLog] = []

    def complaint() -> str:
        which = (run["dag_id"], run["run_id"], task["task_id"], task["try_number"])
        try:
            log = airflow.task_log(*which, map_index=task["map_index"])
        except ApiAnswer as answer:
            return answer.what
        found.append(log)
        return "" if log.lines else "it is empty: its process ended before it wrote anything"

    health.wait_until(complaint, timeout_seconds=LOG_SECONDS, interval_seconds=0.5)
    return found[-1]
