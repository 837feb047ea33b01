"""What a job_run does next: a pure function of its definition, its task_runs and the time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sandbox.databricks_stub.model import JobRun, JobSpec, TaskRun, TaskSpec
from sandbox.databricks_stub.states import BAD_RESULTS, CANCELED_RESULTS, WAITING, LifeCycle, Result, State, ended

CANCELED_MESSAGE = "Run cancelled."
MAX_INTERRUPTIONS = 3
"""How often a task may run when the workspace stops: one that ends the workspace each time would do so for ever."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """Run this attempt as soon as a slot is free."""

    task: TaskRun


@dataclass(frozen=True, kw_only=True)
class End:
    """This attempt never runs."""

    task: TaskRun
    state: State


@dataclass(frozen=True, kw_only=True)
class Retry:
    """This attempt failed and gets a successor."""

    task: TaskRun
    not_before: int


@dataclass(frozen=True, kw_only=True)
class Finish:
    """The job_run is over."""

    state: State


Action = Start | End | Retry | Finish


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What to do now, and when to look again at the latest."""

    actions: tuple[Action, ...] = ()
    wake_at: int | None = None


def decide(spec: JobSpec, run: JobRun, tasks: Sequence[TaskRun], now_ms: int, *, failure_delay_ms: int = 0) -> Decision:
    """What the started job_run does now; `tasks` holds the current attempts.

    A job_run does not end as FAILED earlier than `failure_delay_ms` after its start.
    """
    timed_out = is_timed_out(spec, run, now_ms)
    stopping = run.cancel_requested or timed_out
    by_key = {task.task_key: task for task in tasks}
    retries = [] if stopping else [found for task in tasks if (found := _retry(spec.task(task.task_key), task))]
    retried = {action.task.task_key for action in retries}
    actions: list[Action] = list(retries)
    wake_at: list[int] = []
    for task in tasks:
        if task.state.life_cycle not in WAITING:
            continue
        if stopping or task.cancel_requested:
            actions.append(End(task=task, state=ended(Result.CANCELED, CANCELED_MESSAGE)))
            continue
        verdict = _upstream_verdict(spec.task(task.task_key), by_key, retried)
        if isinstance(verdict, State):
            actions.append(End(task=task, state=verdict))
        elif verdict and task.not_before is not None and task.not_before > now_ms:
            wake_at.append(task.not_before)
        elif verdict:
            actions.append(Start(task=task))
    if not actions and all(task.state.is_terminal for task in tasks):
        state = final_state(spec, run, tasks, timed_out=timed_out)
        earliest = (run.start_time or 0) + failure_delay_ms
        if state.result is Result.FAILED and now_ms < earliest:
            wake_at.append(earliest)
        else:
            actions.append(Finish(state=state))
    if spec.timeout_seconds and run.start_time is not None and not timed_out:
        wake_at.append(run.start_time + spec.timeout_seconds * 1000)
    return Decision(actions=tuple(actions), wake_at=min(wake_at, default=None))


def is_timed_out(spec: JobSpec, run: JobRun, now_ms: int) -> bool:
    """Whether the job_run as a whole has taken longer than its job allows."""
    if not spec.timeout_seconds or run.start_time is None:
        return False
    return now_ms >= run.start_time + spec.timeout_seconds * 1000


def _retry(spec: TaskSpec, task: TaskRun) -> Retry | None:
    failed = task.state.result is Result.FAILED or (task.state.result is Result.TIMEDOUT and spec.retry_on_timeout)
    given_up = task.cancel_requested or task.interruptions >= MAX_INTERRUPTIONS
    if not failed or given_up or (0 <= spec.max_retries <= task.retries):
        return None
    return Retry(task=task, not_before=(task.end_time or 0) + spec.min_retry_interval_ms)


def _upstream_verdict(spec: TaskSpec, tasks: Mapping[str, TaskRun], retried: Iterable[str]) -> bool | State:
    """True: may run; False: upstream is not done; a State: never runs.

    A dependency that is no part of this job_run (`only`) does not hold the task up.
    """
    upstream = [tasks[dependency.task_key] for dependency in spec.depends_on if dependency.task_key in tasks]
    if any(not task.state.is_terminal or task.task_key in retried for task in upstream):
        return False
    results = [task.state.result for task in upstream]
    outcomes = {dependency.task_key: dependency.outcome for dependency in spec.depends_on if dependency.outcome}
    other_way = any(key in tasks and tasks[key].outcome.exit_value != wanted for key, wanted in outcomes.items())
    if other_way and not any(result in BAD_RESULTS | CANCELED_RESULTS for result in results):
        return ended(Result.EXCLUDED, "The condition upstream went the other way.")
    return True if run_if_holds(spec.run_if, results) else _not_run(spec.run_if, results)


def run_if_holds(run_if: str, results: Sequence[Result | None]) -> bool:
    """Whether a task with these upstream results runs; without upstream it always does."""
    # Documented: https://docs.databricks.com/jobs/run-if - excluded tasks count as neither success nor failure.
    executed = [result for result in results if result is not Result.EXCLUDED]
    failed = [result for result in executed if result in BAD_RESULTS | CANCELED_RESULTS]
    if not results:
        return True
    match run_if:
        case "ALL_DONE":
            return True
        case "NONE_FAILED":
            return not failed and bool(executed)
        case "AT_LEAST_ONE_SUCCESS":
            return len(executed) > len(failed)
        case "ALL_FAILED":
            return bool(executed) and len(failed) == len(executed)
        case "AT_LEAST_ONE_FAILED":
            return bool(failed)
        case _:
            return not failed and len(executed) == len(results)


def _not_run(run_if: str, results: Sequence[Result | None]) -> State:
    if run_if in {"ALL_FAILED", "AT_LEAST_ONE_FAILED"} or all(result is Result.EXCLUDED for result in results):
        return ended(Result.EXCLUDED, f"The condition run_if {run_if} was not met.")
    if any(result in BAD_RESULTS for result in results):
        return ended(Result.UPSTREAM_FAILED, "An upstream task failed.")
    if any(result in CANCELED_RESULTS for result in results):
        return ended(Result.UPSTREAM_CANCELED, "An upstream task was cancelled.")
    return ended(Result.EXCLUDED, "An upstream task was excluded.")


def final_state(spec: JobSpec, run: JobRun, tasks: Sequence[TaskRun], *, timed_out: bool) -> State:
    """The state of a job_run all of whose tasks have ended."""
    bad = [task for task in tasks if task.state.result in BAD_RESULTS | CANCELED_RESULTS]
    if not bad:
        return ended(Result.SUCCESS)
    if run.cancel_requested:
        return ended(Result.CANCELED, CANCELED_MESSAGE)
    if timed_out:
        return ended(Result.TIMEDOUT, f"The run took longer than its timeout of {spec.timeout_seconds} seconds.")
    # Documented: the leaves decide; https://docs.databricks.com/jobs/run-if#how-run-status-is-determined
    upstream = {dependency.task_key for task in spec.tasks for dependency in task.depends_on}
    if all(task.task_key in upstream for task in bad):
        return ended(Result.SUCCESS_WITH_FAILURES, _failure_message(bad, skipped=False))
    skipped = any(task.state.result is Result.UPSTREAM_FAILED for task in bad)
    message = _failure_message(bad, skipped=skipped)
    if any(task.state.life_cycle is LifeCycle.INTERNAL_ERROR for task in bad):
        return State(life_cycle=LifeCycle.INTERNAL_ERROR, result=Result.FAILED, message=message)
    if all(task.state.result in CANCELED_RESULTS for task in bad):
        return ended(Result.CANCELED, CANCELED_MESSAGE)
    return ended(Result.FAILED, message)


def _failure_message(bad: Sequence[TaskRun], *, skipped: bool) -> str:
    first = next((task for task in bad if task.state.result in {Result.FAILED, Result.TIMEDOUT}), bad[0])
    # Measured by the vendor's CLI team: the wording of a failed run, repeated in many public logs.
    message = f"Task {first.task_key} failed with message: {first.state.message.rstrip('.')}."
    return message + (" This caused all downstream tasks to get skipped." if skipped else "")
