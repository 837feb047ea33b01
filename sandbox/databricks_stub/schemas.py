"""Jobs and runs as they stand on the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.databricks_stub.model import Job, JobRun, TaskRun
from sandbox.databricks_stub.states import LifeCycle, Result, State
from sandbox.databricks_stub.user import USER

# Documented: https://docs.databricks.com/api/workspace/jobs/getrun - at most 100 tasks a page.
TASKS_PAGE = 100

Json = dict[str, Any]

TERMINATION_CODES = {
    Result.SUCCESS: ("SUCCESS", "SUCCESS"),
    Result.SUCCESS_WITH_FAILURES: ("SUCCESS_WITH_FAILURES", "SUCCESS"),
    Result.FAILED: ("RUN_EXECUTION_ERROR", "CLIENT_ERROR"),
    Result.TIMEDOUT: ("TIMED_OUT", "CLIENT_ERROR"),
    Result.CANCELED: ("USER_CANCELED", "SUCCESS"),
    Result.EXCLUDED: ("SKIPPED", "SUCCESS"),
    Result.UPSTREAM_FAILED: ("UPSTREAM_FAILED", "CLIENT_ERROR"),
    Result.UPSTREAM_CANCELED: ("UPSTREAM_CANCELED", "CLIENT_ERROR"),
    Result.MAXIMUM_CONCURRENT_RUNS_REACHED: ("MAX_CONCURRENT_RUNS_EXCEEDED", "CLIENT_ERROR"),
}
# Documented: the `status` of API 2.2 has fewer states than `state`.
STATUS_STATES = {
    LifeCycle.WAITING_FOR_RETRY: "WAITING",
    LifeCycle.SKIPPED: "TERMINATED",
    LifeCycle.INTERNAL_ERROR: "TERMINATED",
}


def job_json(job: Job, *, tasks_from: int = 0, with_tasks: bool = True) -> Json:
    """A job as jobs/get and jobs/list give it."""
    settings = dict(job.settings)
    tasks = settings.pop("tasks", [])
    page = tasks[tasks_from : tasks_from + TASKS_PAGE]
    if with_tasks:
        settings["tasks"] = page
    answer: Json = {
        "job_id": job.job_id,
        "creator_user_name": USER,
        "run_as_user_name": USER,
        "created_time": job.created_time,
        "settings": settings,
    }
    if with_tasks and tasks_from + TASKS_PAGE < len(tasks):
        answer |= {"has_more": True, "next_page_token": str(tasks_from + TASKS_PAGE)}
    return answer


def state_json(state: State, *, of_job_run: bool) -> Json:
    """`state`: the older form, which the Airflow provider reads."""
    life_cycle = state.life_cycle
    if of_job_run and state.result is Result.FAILED:
        # Measured by the vendor's CLI team: a failed job_run says INTERNAL_ERROR here, while its tasks say TERMINATED.
        life_cycle = LifeCycle.INTERNAL_ERROR
    answer: Json = {"life_cycle_state": life_cycle, "state_message": state.message}
    if state.result is not None:
        answer["result_state"] = state.result
    return answer | {"user_cancelled_or_timedout": state.by_user_or_timeout}


def status_json(state: State) -> Json:
    """`status`: the form of API 2.2."""
    answer: Json = {"state": STATUS_STATES.get(state.life_cycle, str(state.life_cycle))}
    if state.life_cycle is LifeCycle.QUEUED:
        answer["queue_details"] = {"code": "MAX_CONCURRENT_RUNS_REACHED", "message": state.message}
    if state.is_terminal:
        code, kind = TERMINATION_CODES[state.result or Result.FAILED]
        if state.life_cycle is LifeCycle.INTERNAL_ERROR:
            code, kind = "INTERNAL_ERROR", "INTERNAL_ERROR"
        answer["termination_details"] = {"code": code, "type": kind, "message": state.message}
    return answer


def _times(created: int | None, start: int | None, end: int | None, now_ms: int) -> Json:
    begun = created if created is not None else start
    duration = 0 if start is None else (end if end is not None else now_ms) - start
    return {
        "start_time": begun or 0,
        "end_time": end or 0,
        "setup_duration": 0,
        "execution_duration": duration,
        "cleanup_duration": 0,
        "run_duration": 0 if begun is None else (end if end is not None else now_ms) - begun,
        "queue_duration": 0 if begun is None or start is None else start - begun,
    }


def task_json(run: JobRun, task: TaskRun, *, page_url: str, now_ms: int) -> Json:
    """A task_run as an entry of `tasks`, and as runs/get gives it for its own id."""
    definition: Mapping[str, Any] = next(
        (item for item in run.settings.get("tasks", ()) if item.get("task_key") == task.task_key), {}
    )
    kept = {key: value for key, value in definition.items() if key not in {"email_notifications"}}
    return {
        **kept,
        "run_id": task.run_id,
        "job_run_id": run.run_id,
        "task_key": task.task_key,
        "attempt_number": task.attempt,
        "state": state_json(task.state, of_job_run=False),
        "status": status_json(task.state),
        "run_page_url": page_url,
        **_times(None, task.start_time, task.end_time, now_ms),
    }


def run_json(
    run: JobRun, tasks: Sequence[Json], *, page_url: str, now_ms: int, tasks_from: int = 0, with_tasks: bool = True
) -> Json:
    """A job_run as runs/get and runs/list give it."""
    answer: Json = {
        "job_id": run.job_id,
        "run_id": run.run_id,
        "number_in_job": run.run_id,
        "original_attempt_run_id": run.run_id,
        "creator_user_name": USER,
        "run_as_user_name": USER,
        "state": state_json(run.state, of_job_run=True),
        "status": status_json(run.state),
        "run_name": run.run_name,
        "run_page_url": page_url,
        "run_type": run.run_type,
        "trigger": "ONE_TIME",
        "format": "MULTI_TASK",
        "attempt_number": 0,
        **_times(run.created_time, run.start_time, run.end_time, now_ms),
    }
    if run.job_parameters:
        answer["job_parameters"] = _job_parameters(run)
    if overriding := {key: value for key, value in run.overriding.items() if key != "job_parameters"}:
        answer["overriding_parameters"] = overriding
    if with_tasks:
        answer["tasks"] = list(tasks[tasks_from : tasks_from + TASKS_PAGE])
        if tasks_from + TASKS_PAGE < len(tasks):
            answer["next_page_token"] = str(tasks_from + TASKS_PAGE)
    return answer


def _job_parameters(run: JobRun) -> list[Json]:
    defaults = {item["name"]: str(item.get("default", "")) for item in run.settings.get("parameters") or ()}
    return [
        {"name": name, "value": value} | ({"default": defaults[name]} if name in defaults else {})
        for name, value in sorted(run.job_parameters.items())
    ]


def repair_history_json(run: JobRun, attempts: Sequence[TaskRun]) -> list[Json]:
    """`repair_history`: the original run first, then every repair, each as it had ended when the next one began."""
    ends = [(repair.state_before, repair.end_before) for repair in run.repairs] + [(run.state, run.end_time)]
    history: list[Json] = [{"type": "ORIGINAL", "start_time": run.created_time}]
    history += [{"id": item.repair_id, "type": "REPAIR", "start_time": item.start_time} for item in run.repairs]
    for number, (entry, (state, end)) in enumerate(zip(history, ends, strict=True)):
        entry["end_time"] = end or 0
        if state is not None:
            entry["state"] = state_json(state, of_job_run=True)
        entry["task_run_ids"] = [task.run_id for task in attempts if _repair_of(run, attempts, task) == number]
    return history


def _repair_of(run: JobRun, attempts: Sequence[TaskRun], task: TaskRun) -> int:
    """Which repair an attempt belongs to, 0 for none: a repair's first attempt begins it, retries follow that."""
    begun = [item for item in attempts if item.task_key == task.task_key and item.attempt <= task.attempt]
    return max(
        (
            number
            for number, repair in enumerate(run.repairs, start=1)
            if any(item.run_id in repair.task_run_ids for item in begun)
        ),
        default=0,
    )
