"""Job_runs and their task_runs, durable; every change of a state is checked against the legal transitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sandbox.databricks_stub.clock import Clock, Ids
from sandbox.databricks_stub.errors import invalid_parameter
from sandbox.databricks_stub.model import JobRun, Repair, RunRequest, TaskOutcome, TaskRun
from sandbox.databricks_stub.states import TERMINAL, LifeCycle, Result, State, check_transition
from sandbox.databricks_stub.store.database import Database, dump
from sandbox.databricks_stub.store.rows import job_run_of, task_run_of

_TERMINAL_SQL = ", ".join(f"'{state}'" for state in sorted(TERMINAL))


class RunStore:
    """What was accepted, what became of it."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids

    def accept(self, request: RunRequest, task_keys: Sequence[str]) -> int:
        """Keep a new PENDING job_run with one waiting task_run each; its run_id.

        A known token gives the run that it started; that of a deleted run is refused with an ApiError.
        """
        with self._database.transaction():
            if request.idempotency_token and (known := self._run_of_token(request.idempotency_token)) is not None:
                return known
            run_id = self._ids.number()
            self._database.execute(
                "insert into job_runs (sequence, run_id, job_id, run_name, run_type, settings, overriding, only_tasks, "
                "life_cycle_state, created_time) "
                "values ((select coalesce(max(sequence), 0) + 1 from job_runs), ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    run_id,
                    request.job_id or run_id,
                    request.run_name,
                    request.run_type,
                    dump(request.settings),
                    dump(request.overriding),
                    dump(request.only),
                    LifeCycle.PENDING,
                    self._clock.now_ms(),
                ),
            )
            for position, task_key in enumerate(task_keys):
                self._insert_task(run_id, task_key, position, attempt=0)
            if request.idempotency_token:
                self._database.execute(
                    "insert into idempotency_tokens values (?, ?)", (request.idempotency_token, run_id)
                )
            return run_id

    def _run_of_token(self, token: str) -> int | None:
        row = self._database.row(
            "select run_id, deleted from idempotency_tokens join job_runs using (run_id) where token=?", (token,)
        )
        if row is not None and row["deleted"]:
            # Documented: https://docs.databricks.com/api/workspace/jobs/runnow - an error, and no new run.
            raise invalid_parameter(f"The run {row['run_id']} of idempotency_token {token!r} has been deleted.")
        return None if row is None else int(row["run_id"])

    def _insert_task(
        self,
        job_run_id: int,
        task_key: str,
        position: int,
        *,
        attempt: int,
        not_before: int | None = None,
        retries: int = 0,
        interruptions: int = 0,
    ) -> int:
        run_id = self._ids.number()
        state = LifeCycle.BLOCKED if not_before is None else LifeCycle.WAITING_FOR_RETRY
        self._database.execute(
            "insert into task_runs (run_id, job_run_id, task_key, position, attempt, life_cycle_state, not_before, "
            "retries, interruptions) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (run_id, job_run_id, task_key, position, attempt, state, not_before, retries, interruptions),
        )
        return run_id

    def job_run(self, run_id: int) -> JobRun | None:
        """The job_run of that id, unless deleted."""
        row = self._database.row("select * from job_runs where run_id=? and deleted=0", (run_id,))
        return None if row is None else job_run_of(row)

    def task_run(self, run_id: int) -> TaskRun | None:
        """The task_run of that id, unless its job_run is deleted."""
        row = self._database.row(
            "select t.* from task_runs t join job_runs r on r.run_id=t.job_run_id where t.run_id=? and r.deleted=0",
            (run_id,),
        )
        return None if row is None else task_run_of(row)

    def attempts(self, job_run_id: int) -> list[TaskRun]:
        """Every attempt of every task, in the job's order, earlier attempts first."""
        rows = self._database.rows(
            "select * from task_runs where job_run_id=? order by position, attempt", (job_run_id,)
        )
        return [task_run_of(row) for row in rows]

    def tasks(self, job_run_id: int) -> list[TaskRun]:
        """The current attempt of every task, in the job's order."""
        return list({attempt.task_key: attempt for attempt in self.attempts(job_run_id)}.values())

    def active(self) -> list[JobRun]:
        """Every job_run that has not ended, oldest first."""
        rows = self._database.rows(
            f"select * from job_runs where deleted=0 and life_cycle_state not in ({_TERMINAL_SQL}) order by sequence"
        )
        return [job_run_of(row) for row in rows]

    def job_runs(
        self,
        *,
        job_id: int | None = None,
        active: bool | None = None,
        start_from: int | None = None,
        start_to: int | None = None,
        limit: int,
        offset: int = 0,
    ) -> list[JobRun]:
        """Job_runs, newest first."""
        conditions, values = ["deleted=0"], []
        if job_id is not None:
            conditions.append("job_id=?")
            values.append(job_id)
        if active is not None:
            conditions.append(f"life_cycle_state {'not in' if active else 'in'} ({_TERMINAL_SQL})")
        if start_from is not None:
            conditions.append("created_time>=?")
            values.append(start_from)
        if start_to is not None:
            conditions.append("created_time<=?")
            values.append(start_to)
        rows = self._database.rows(
            f"select * from job_runs where {' and '.join(conditions)} order by sequence desc limit ? offset ?",
            (*values, limit, offset),
        )
        return [job_run_of(row) for row in rows]

    def set_job_run(self, run_id: int, state: State) -> None:
        """Take a job_run to a state; start and end times follow from it."""
        with self._database.transaction():
            row = self._database.row("select life_cycle_state from job_runs where run_id=?", (run_id,))
            if row is None:
                return
            check_transition(LifeCycle(row["life_cycle_state"]), state.life_cycle)
            now = self._clock.now_ms()
            self._database.execute(
                "update job_runs set life_cycle_state=?, result_state=?, state_message=?, "
                "start_time=coalesce(start_time, ?), end_time=? where run_id=?",
                (
                    state.life_cycle,
                    state.result,
                    state.message,
                    now if state.life_cycle is LifeCycle.RUNNING else None,
                    now if state.is_terminal else None,
                    run_id,
                ),
            )

    def set_task_run(self, run_id: int, state: State, outcome: TaskOutcome | None = None) -> None:
        """Take a task_run to a state, and keep what it left behind."""
        with self._database.transaction():
            row = self._database.row("select life_cycle_state from task_runs where run_id=?", (run_id,))
            if row is None:
                return
            check_transition(LifeCycle(row["life_cycle_state"]), state.life_cycle)
            now = self._clock.now_ms()
            self._database.execute(
                "update task_runs set life_cycle_state=?, result_state=?, state_message=?, "
                "start_time=coalesce(start_time, ?), end_time=?, outcome=coalesce(?, outcome) where run_id=?",
                (
                    state.life_cycle,
                    state.result,
                    state.message,
                    now if state.life_cycle is LifeCycle.RUNNING else None,
                    now if state.is_terminal else None,
                    None if outcome is None else dump(asdict(outcome)),
                    run_id,
                ),
            )

    def retry(self, task: TaskRun, *, not_before: int) -> int:
        """A further attempt after a failure, not before that time; its run_id."""
        return self._next_attempt(
            task, not_before=not_before, retries=task.retries + 1, interruptions=task.interruptions
        )

    def interrupt(self, task: TaskRun, *, again: bool) -> None:
        """End an attempt during which the workspace itself stopped; with `again`, a further one follows it."""
        times = task.interruptions + 1
        tail = "; it was started again." if again else f" ({times} times); it was not started again."
        state = State(
            life_cycle=LifeCycle.INTERNAL_ERROR,
            result=Result.CANCELED if again else Result.FAILED,
            message=f"The workspace stopped while this task ran{tail}",
        )
        with self._database.transaction():
            self.set_task_run(task.run_id, state)
            self._database.execute("update task_runs set interruptions=? where run_id=?", (times, task.run_id))
            if again:
                self._next_attempt(task, not_before=None, retries=task.retries, interruptions=times)

    def _next_attempt(self, task: TaskRun, *, not_before: int | None, retries: int, interruptions: int) -> int:
        return self._insert_task(
            task.job_run_id,
            task.task_key,
            task.position,
            attempt=task.attempt + 1,
            not_before=not_before,
            retries=retries,
            interruptions=interruptions,
        )

    def request_cancel(self, run_id: int) -> None:
        """Note that a job_run or a task_run shall end; the worker ends it."""
        with self._database.transaction():
            for table in ("job_runs", "task_runs"):
                self._database.execute(
                    f"update {table} set cancel_requested=1 where run_id=? "
                    f"and life_cycle_state not in ({_TERMINAL_SQL})",
                    (run_id,),
                )

    def repair(
        self, run: JobRun, tasks: Sequence[TaskRun], *, settings: Mapping[str, Any], overriding: Mapping[str, Any]
    ) -> int:
        """Take an ended job_run back to PENDING with new attempts of these tasks; the repair_id."""
        with self._database.transaction():
            new = tuple(self._next_attempt(task, not_before=None, retries=0, interruptions=0) for task in tasks)
            repair = Repair(
                repair_id=self._ids.number(),
                start_time=self._clock.now_ms(),
                task_run_ids=new,
                state_before=run.state,
                end_before=run.end_time,
            )
            self.set_job_run(run.run_id, State(life_cycle=LifeCycle.PENDING))
            self._database.execute(
                "update job_runs set repairs=?, settings=?, overriding=?, start_time=null, cancel_requested=0 "
                "where run_id=?",
                (
                    dump([asdict(item) for item in (*run.repairs, repair)]),
                    dump(settings),
                    dump(overriding),
                    run.run_id,
                ),
            )
            return repair.repair_id

    def delete(self, run_id: int) -> None:
        """Forget a job_run; its token stays known, as on Databricks."""
        self._database.execute("update job_runs set deleted=1 where run_id=?", (run_id,))
