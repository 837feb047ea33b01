"""Rows of the database as JobRun and TaskRun."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from sandbox.databricks_stub.model import JobRun, Repair, TaskOutcome, TaskRun
from sandbox.databricks_stub.states import LifeCycle, Result, State


def job_run_of(row: sqlite3.Row) -> JobRun:
    """A row of job_runs."""
    return JobRun(
        run_id=row["run_id"],
        job_id=row["job_id"],
        run_name=row["run_name"],
        run_type=row["run_type"],
        settings=json.loads(row["settings"]),
        overriding=json.loads(row["overriding"]),
        only=tuple(json.loads(row["only_tasks"])),
        state=_state(row),
        created_time=row["created_time"],
        start_time=row["start_time"],
        end_time=row["end_time"],
        cancel_requested=bool(row["cancel_requested"]),
        repairs=tuple(_repair(item) for item in json.loads(row["repairs"])),
    )


def task_run_of(row: sqlite3.Row) -> TaskRun:
    """A row of task_runs."""
    return TaskRun(
        run_id=row["run_id"],
        job_run_id=row["job_run_id"],
        task_key=row["task_key"],
        position=row["position"],
        attempt=row["attempt"],
        state=_state(row),
        start_time=row["start_time"],
        end_time=row["end_time"],
        not_before=row["not_before"],
        cancel_requested=bool(row["cancel_requested"]),
        interruptions=row["interruptions"],
        retries=row["retries"],
        outcome=TaskOutcome(**json.loads(row["outcome"])),
    )


def _repair(item: dict[str, Any]) -> Repair:
    before = item.get("state_before")
    return Repair(
        repair_id=item["repair_id"],
        start_time=item["start_time"],
        task_run_ids=tuple(item["task_run_ids"]),
        state_before=None
        if before is None
        else State(
            life_cycle=LifeCycle(before["life_cycle"]),
            result=None if before["result"] is None else Result(before["result"]),
            message=before["message"],
        ),
        end_before=item.get("end_before"),
    )


def _state(row: sqlite3.Row) -> State:
    return State(
        life_cycle=LifeCycle(row["life_cycle_state"]),
        result=None if row["result_state"] is None else Result(row["result_state"]),
        message=row["state_message"],
    )
