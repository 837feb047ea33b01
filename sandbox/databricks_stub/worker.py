"""Worker: takes accepted job_runs and drives them to their end, tasks in depends_on order, several side by side.

All it knows is in the store, so a new worker over the same store goes on where a killed one stopped: waiting job_runs
wait on; a task that was running gets a further attempt (notebooks are idempotent by contract), and after
MAX_INTERRUPTIONS of those ends as INTERNAL_ERROR.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from sandbox.databricks_stub.clock import Clock
from sandbox.databricks_stub.jobspec import parse
from sandbox.databricks_stub.model import JobRun, JobSpec, TaskOutcome, TaskRun
from sandbox.databricks_stub.scheduling import (
    CANCELED_MESSAGE,
    MAX_INTERRUPTIONS,
    End,
    Finish,
    Retry,
    Start,
    decide,
    is_timed_out,
)
from sandbox.databricks_stub.states import LifeCycle, Result, State, ended
from sandbox.databricks_stub.store.runs import RunStore

ERROR_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Finished:
    """How an attempt ended."""

    state: State
    outcome: TaskOutcome


Execute = Callable[[JobRun, TaskRun, threading.Event], Finished]
"""Runs one attempt to its end in a thread of its own; the event asks it to end soon."""


class Worker:
    """One dispatching thread, and one thread for each task that runs, at most `max_parallel_tasks`."""

    def __init__(
        self,
        runs: RunStore,
        execute: Execute,
        clock: Clock,
        *,
        max_parallel_tasks: int,
        failure_delay_ms: int = 0,
        log: Callable[[str], None] = lambda line: None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._runs = runs
        self._execute = execute
        self._clock = clock
        self._slots = max_parallel_tasks
        self._failure_delay_ms = failure_delay_ms
        self._log = log
        self._on_change = on_change
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._running: dict[int, tuple[threading.Thread, threading.Event]] = {}
        self._dispatcher = threading.Thread(target=self._dispatch, name="dispatcher", daemon=True)

    def start(self) -> None:
        """Recover what a former worker left, then begin."""
        self._recover()
        self._dispatcher.start()

    def wake(self) -> None:
        """Something was accepted or cancelled: look now."""
        self._wake.set()

    def stop(self, timeout_seconds: float) -> None:
        """End the running tasks and leave their job_runs for the next worker to go on with."""
        self._stopping.set()
        self._wake.set()
        deadline = time.monotonic() + timeout_seconds
        running = self._cancel_running()
        if self._dispatcher.ident is not None:
            self._dispatcher.join(max(0.0, deadline - time.monotonic()))
        # the dispatcher may have been about to start one more
        for thread in running | self._cancel_running():
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))

    def _cancel_running(self) -> set[threading.Thread]:
        with self._lock:
            running = list(self._running.values())
        for _, cancel in running:
            cancel.set()
        return {thread for thread, _ in running}

    def _recover(self) -> None:
        for run in self._runs.active():
            for task in self._runs.tasks(run.run_id):
                if task.state.life_cycle in {LifeCycle.RUNNING, LifeCycle.TERMINATING}:
                    cancelled = run.cancel_requested or task.cancel_requested
                    self._runs.interrupt(task, again=task.interruptions + 1 < MAX_INTERRUPTIONS and not cancelled)

    def _dispatch(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                wait_seconds = self._tick()
            except sqlite3.Error:  # a full disk, most likely: nothing is lost, it goes on when there is room again
                self._log(traceback.format_exc())
                wait_seconds = ERROR_PAUSE_SECONDS
            self._wake.wait(wait_seconds)

    def _tick(self) -> float | None:
        """Advance every job_run once; how long nothing can happen unless somebody wakes us."""
        deadlines: list[int] = []
        started: dict[int, int] = {}
        active = self._runs.active()
        for run in active:
            if run.state.life_cycle in {LifeCycle.RUNNING, LifeCycle.TERMINATING}:
                started[run.job_id] = started.get(run.job_id, 0) + 1
        for run in active:
            if self._stopping.is_set():
                return None
            try:
                deadline = self._drive(run, started)
            except sqlite3.Error:
                raise
            except Exception as error:  # our bug may end this job_run, never the dispatcher
                self._give_up(run, error)
                continue
            if deadline is not None:
                deadlines.append(deadline)
        if not deadlines:
            return None
        return max(0.0, (min(deadlines) - self._clock.now_ms()) / 1000)

    def _drive(self, run: JobRun, started: dict[int, int]) -> int | None:
        spec = parse(run.settings)
        if run.state.life_cycle in {LifeCycle.PENDING, LifeCycle.QUEUED}:
            if not self._admit(run, spec, started.get(run.job_id, 0)):
                return None
            started[run.job_id] = started.get(run.job_id, 0) + 1
        return self._advance(run.run_id, spec)

    def _give_up(self, run: JobRun, error: Exception) -> None:
        self._log(traceback.format_exc())
        state = State(
            life_cycle=LifeCycle.INTERNAL_ERROR, result=Result.FAILED, message=f"The sandbox failed: {error!r}"
        )
        with self._lock:
            running = set(self._running)
        for task in self._runs.tasks(run.run_id):
            if not task.state.is_terminal and task.run_id not in running:
                self._runs.set_task_run(task.run_id, state)
        self._set_job_run(run.run_id, state)

    def _admit(self, run: JobRun, spec: JobSpec, started: int) -> bool:
        """Start the job_run unless too many of its job run already."""
        if run.cancel_requested:
            self._end_waiting(run, ended(Result.CANCELED, CANCELED_MESSAGE))
            return False
        if run.run_type != "JOB_RUN" or started < spec.max_concurrent_runs:
            self._set_job_run(run.run_id, State(life_cycle=LifeCycle.RUNNING, message="In run"))
            return True
        limit = f"the limit of {spec.max_concurrent_runs} concurrent runs of this job is reached"
        if spec.queue_enabled:
            if run.state.life_cycle is not LifeCycle.QUEUED:
                self._set_job_run(run.run_id, State(life_cycle=LifeCycle.QUEUED, message=f"Queued: {limit}."))
            return False
        skipped = State(
            life_cycle=LifeCycle.SKIPPED, result=Result.MAXIMUM_CONCURRENT_RUNS_REACHED, message=f"Skipped: {limit}."
        )
        self._end_waiting(run, skipped)
        return False

    def _end_waiting(self, run: JobRun, state: State) -> None:
        """End a job_run that never started; of a repaired one, what has ended before stays as it is."""
        for task in self._runs.tasks(run.run_id):
            if not task.state.is_terminal:
                self._runs.set_task_run(task.run_id, state)
        self._set_job_run(run.run_id, state)

    def _advance(self, run_id: int, spec: JobSpec) -> int | None:
        """Do all that a started job_run can do now; when to look again at the latest."""
        while True:
            run = self._runs.job_run(run_id)
            if run is None or run.state.is_terminal:
                return None
            tasks = self._runs.tasks(run_id)
            now = self._clock.now_ms()
            self._pass_on_cancellation(run, tasks, timed_out=is_timed_out(spec, run, now))
            decision = decide(spec, run, tasks, now, failure_delay_ms=self._failure_delay_ms)
            changed = [self._act(run, action) for action in decision.actions]
            if not any(changed):
                return decision.wake_at

    def _act(self, run: JobRun, action: Start | End | Retry | Finish) -> bool:
        """Carry out one action; whether it changed something that the next decision depends on."""
        match action:
            case Start(task=task):
                self._launch(run, task)
                return False
            case End(task=task, state=state):
                self._runs.set_task_run(task.run_id, state)
            case Retry(task=task, not_before=not_before):
                self._runs.retry(task, not_before=not_before)
            case Finish(state=state):
                self._set_job_run(run.run_id, state)
                self._wake.set()  # a queued job_run may start now
            case _:
                assert_never(action)
        self._on_change()
        return True

    def _pass_on_cancellation(self, run: JobRun, tasks: list[TaskRun], *, timed_out: bool) -> None:
        everything = run.cancel_requested or timed_out
        with self._lock:
            for task in tasks:
                if task.run_id in self._running and (everything or task.cancel_requested):
                    self._running[task.run_id][1].set()
        if everything and run.state.life_cycle is LifeCycle.RUNNING:
            self._set_job_run(run.run_id, State(life_cycle=LifeCycle.TERMINATING, message="Run is being terminated."))

    def _launch(self, run: JobRun, task: TaskRun) -> None:
        cancel = threading.Event()
        thread = threading.Thread(
            target=self._attempt, args=(run, task, cancel), name=f"task-{task.run_id}", daemon=True
        )
        with self._lock:
            if self._stopping.is_set() or task.run_id in self._running:
                return
            free = len(self._running) < self._slots
            if free:
                self._running[task.run_id] = (thread, cancel)
        if not free:
            self._runs.set_task_run(task.run_id, State(life_cycle=LifeCycle.PENDING, message="Waiting for a free slot"))
            return
        try:
            self._runs.set_task_run(task.run_id, State(life_cycle=LifeCycle.RUNNING, message="In run"))
            self._on_change()
            thread.start()
        except BaseException:
            with self._lock:
                del self._running[task.run_id]
            raise

    def _attempt(self, run: JobRun, task: TaskRun, cancel: threading.Event) -> None:
        try:
            finished = self._execute(run, task, cancel)
        except Exception as error:  # what the executor did not foresee is this attempt's failure, told in full
            message = f"The sandbox failed: {error!r}"
            finished = Finished(
                state=State(life_cycle=LifeCycle.INTERNAL_ERROR, result=Result.FAILED, message=message),
                outcome=TaskOutcome(error=repr(error), error_trace=traceback.format_exc()),
            )
        try:
            self._record(task, finished)
        finally:
            with self._lock:
                del self._running[task.run_id]
        self._on_change()
        self._wake.set()

    def _record(self, task: TaskRun, finished: Finished) -> None:
        """Keep how an attempt ended; one that our own stop ended stays RUNNING, and the next worker starts it again."""
        while not self._stopping.is_set() or finished.state.result is Result.SUCCESS:
            try:
                self._runs.set_task_run(task.run_id, finished.state, finished.outcome)
                return
            except sqlite3.Error:
                self._log(traceback.format_exc())
                if self._stopping.wait(ERROR_PAUSE_SECONDS):
                    return

    def _set_job_run(self, run_id: int, state: State) -> None:
        self._runs.set_job_run(run_id, state)
        self._log(f"job_run {run_id}: {state.life_cycle} {state.result or ''} {state.message}".rstrip())
        self._on_change()
