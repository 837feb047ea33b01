"""Job_runs: run-now, submit, get, list, cancel, cancel-all, delete, repair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.databricks_stub.context import Call
from sandbox.databricks_stub.errors import invalid_parameter, invalid_state
from sandbox.databricks_stub.handlers.jobs import queue_by_default
from sandbox.databricks_stub.job_catalog import checked
from sandbox.databricks_stub.links import run_page_url, task_page_url
from sandbox.databricks_stub.model import JobRun, RunRequest, TaskRun
from sandbox.databricks_stub.schemas import Json, repair_history_json, run_json, task_json
from sandbox.databricks_stub.states import LifeCycle, Result

PARAMETERS = (
    "job_parameters",
    "notebook_params",
    "python_params",
    "python_named_params",
    "jar_params",
    "spark_submit_params",
    "sql_params",
    "dbt_commands",
)
NAMED = frozenset({"job_parameters", "notebook_params", "python_named_params", "sql_params"})
LIST_DEFAULT, LIST_MOST = 20, 1000
MAX_TOKEN_LENGTH = 64


def run_now(call: Call) -> Json:
    """A new job_run of a job; a known idempotency_token gives the job_run it started."""
    job = call.services.catalog.get(call.required_integer("job_id"))
    tasks = [task["task_key"] for task in job.settings.get("tasks", ())]
    only = [str(key) for key in call.list("only")]
    if unknown := sorted(set(only) - set(tasks)):
        raise invalid_parameter(f"only: job {job.job_id} has no task {', '.join(unknown)}")
    if not tasks:
        raise invalid_parameter(f"Job {job.job_id} has no tasks to run.")
    request = RunRequest(
        job_id=job.job_id,
        run_name=str(job.settings["name"]),
        run_type="JOB_RUN",
        settings=job.settings,
        overriding=_overriding(call),
        only=tuple(only),
        idempotency_token=_token(call),
    )
    run_id = call.services.workspace.runs.accept(request, [key for key in tasks if not only or key in only])
    call.services.worker.wake()
    return {"run_id": run_id, "number_in_job": run_id}


def submit(call: Call) -> Json:
    """A one-time run: tasks without a job."""
    settings = checked(call.values, queue_by_default=queue_by_default(call.version))
    if not settings["tasks"]:
        raise invalid_parameter("A one-time run needs tasks.")
    # Documented: https://docs.databricks.com/api/workspace/jobs/submit - the default run_name is Untitled.
    request = RunRequest(
        job_id=0,
        run_name=call.text("run_name", "Untitled") or "Untitled",
        run_type="SUBMIT_RUN",
        settings=settings,
        idempotency_token=_token(call),
    )
    run_id = call.services.workspace.runs.accept(request, [task["task_key"] for task in settings["tasks"]])
    call.services.worker.wake()
    return {"run_id": run_id}


def get(call: Call) -> Json:
    """A job_run with its tasks, or a task_run by its own id."""
    run, task = find(call)
    if task is not None:
        return single_task_json(call, run, task)
    offset, _ = call.page(default=LIST_DEFAULT, most=LIST_MOST)
    answer = _run_json(call, run, tasks_from=offset)
    if call.flag("include_history"):
        answer["repair_history"] = repair_history_json(run, call.services.workspace.runs.attempts(run.run_id))
    return answer


def list_runs(call: Call) -> Json:
    """Job_runs, newest first."""
    offset, limit = call.page(default=LIST_DEFAULT, most=LIST_MOST)
    if call.flag("active_only") and call.flag("completed_only"):
        raise invalid_parameter("active_only and completed_only exclude each other")
    active = True if call.flag("active_only") else False if call.flag("completed_only") else None
    found = call.services.workspace.runs.job_runs(
        job_id=call.integer("job_id"),
        active=active,
        start_from=call.integer("start_time_from"),
        start_to=call.integer("start_time_to"),
        limit=limit + 1,
        offset=offset,
    )
    more = len(found) > limit
    runs = [_run_json(call, run, with_tasks=call.flag("expand_tasks")) for run in found[:limit]]
    answer: Json = {"runs": runs} if runs else {}
    if more:
        answer["next_page_token"] = str(offset + limit)
    if offset:
        answer["prev_page_token"] = str(max(0, offset - limit))
    return answer if queue_by_default(call.version) else answer | {"has_more": more}


def cancel(call: Call) -> Json:
    """Ask a job_run (or one task_run) to end; one that has ended stays as it is."""
    run, task = find(call)
    call.services.workspace.runs.request_cancel(task.run_id if task is not None else run.run_id)
    call.services.worker.wake()
    return {}


def cancel_all(call: Call) -> Json:
    """Ask every active job_run of a job to end; with all_queued_runs only those that wait in the queue, of any job."""
    # Documented: https://docs.databricks.com/api/workspace/jobs/cancelallruns - without job_id, all_queued_runs means
    # those of the whole workspace. Assumed: with job_id, the queued ones of that job.
    job_id, queued_only = call.integer("job_id"), call.flag("all_queued_runs")
    if job_id is None and not queued_only:
        raise invalid_parameter("job_id is required")
    for run in call.services.workspace.runs.active():
        if queued_only and run.state.life_cycle is not LifeCycle.QUEUED:
            continue
        if job_id is None or run.job_id == job_id:
            call.services.workspace.runs.request_cancel(run.run_id)
    call.services.worker.wake()
    return {}


def delete(call: Call) -> Json:
    """Forget a job_run that has ended."""
    run, _ = find(call)
    if not run.state.is_terminal:
        raise invalid_state(f"Run {run.run_id} is {run.state.life_cycle}; cancel it before deleting it.")
    call.services.workspace.runs.delete(run.run_id)
    return {}


def repair(call: Call) -> Json:
    """Run the failed (or the named) tasks of an ended job_run again."""
    run, _ = find(call)
    runs = call.services.workspace.runs
    if not run.state.is_terminal:
        raise invalid_state(f"Run {run.run_id} is {run.state.life_cycle}; only a run that has ended can be repaired.")
    latest = run.repairs[-1].repair_id if run.repairs else None
    given = call.integer("latest_repair_id")
    # Documented: https://docs.databricks.com/api/workspace/jobs/repairrun - required on every repair but the first.
    if given != latest:
        raise invalid_parameter(f"latest_repair_id must be {latest}, not {given}")
    tasks = runs.tasks(run.run_id)
    named = {str(key) for key in call.list("rerun_tasks")}
    if unknown := sorted(named - {task.task_key for task in tasks}):
        raise invalid_parameter(f"rerun_tasks: run {run.run_id} has no task {', '.join(unknown)}")
    if call.flag("rerun_all_failed_tasks"):
        named |= {task.task_key for task in tasks if task.state.result not in {Result.SUCCESS, Result.EXCLUDED}}
    if call.flag("rerun_dependent_tasks"):
        named = _with_dependents(run, named)
    chosen = [task for task in tasks if task.task_key in named]
    if not chosen:
        raise invalid_parameter(
            "Nothing to repair: name rerun_tasks, or rerun_all_failed_tasks where a task has failed."
        )
    overriding = _overriding(call) or run.overriding
    repair_id = runs.repair(run, chosen, settings=_current_settings(call, run), overriding=overriding)
    call.services.worker.wake()
    return {"repair_id": repair_id}


def find(call: Call) -> tuple[JobRun, TaskRun | None]:
    """The job_run that `run_id` names, and the task_run if it names one of those; 400 otherwise."""
    run_id = call.required_integer("run_id")
    runs = call.services.workspace.runs
    task = runs.task_run(run_id)
    run = runs.job_run(run_id if task is None else task.job_run_id)
    if run is None:
        # Documented: an unknown run is INVALID_PARAMETER_VALUE, not a 404.
        raise invalid_parameter(f"Run {run_id} does not exist.")
    return run, task


def single_task_json(call: Call, run: JobRun, task: TaskRun) -> Json:
    """A task_run as runs/get gives it: the fields of a job_run around it."""
    now_ms = call.services.clock.now_ms()
    whole = _run_json(call, run, with_tasks=False)
    return whole | task_json(run, task, page_url=task_page_url(call.services.settings, run, task), now_ms=now_ms)


def _run_json(call: Call, run: JobRun, *, tasks_from: int = 0, with_tasks: bool = True) -> Json:
    services = call.services
    now_ms = services.clock.now_ms()
    tasks = [
        task_json(run, task, page_url=task_page_url(services.settings, run, task), now_ms=now_ms)
        for task in (services.workspace.runs.tasks(run.run_id) if with_tasks else ())
    ]
    return run_json(
        run,
        tasks,
        page_url=run_page_url(services.settings, run),
        now_ms=now_ms,
        tasks_from=tasks_from,
        with_tasks=with_tasks,
    )


def _current_settings(call: Call, run: JobRun) -> Mapping[str, Any]:
    # Documented: a repair uses the current settings of the job; of a job that is gone or lost tasks, those of the run.
    job = call.services.catalog.find(run.job_id)
    if job is None:
        return run.settings
    wanted = {task["task_key"] for task in run.settings["tasks"]}
    return job.settings if wanted <= {task["task_key"] for task in job.settings.get("tasks", ())} else run.settings


def _with_dependents(run: JobRun, keys: set[str]) -> set[str]:
    chosen = set(keys)
    while True:
        more = {
            task["task_key"]
            for task in run.settings["tasks"]
            if any(dependency["task_key"] in chosen for dependency in task.get("depends_on") or ())
        }
        if more <= chosen:
            return chosen
        chosen |= more


def _overriding(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in PARAMETERS:
        value = call.mapping(name) if name in NAMED else call.list(name)
        if value:
            found[name] = value
    if "job_parameters" in found and len(found) > 1:
        # Documented: job parameters cannot be combined with the parameters of single task types.
        raise invalid_parameter(
            f"job_parameters cannot be combined with {', '.join(sorted(found.keys() - {'job_parameters'}))}"
        )
    return found


def _token(call: Call) -> str | None:
    token = call.text("idempotency_token")
    if len(token) > MAX_TOKEN_LENGTH:
        raise invalid_parameter(f"idempotency_token is longer than {MAX_TOKEN_LENGTH} characters")
    return token or None
