"""The worker while the disk is full: nothing is lost, nothing hangs."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from sandbox.databricks_stub import worker
from sandbox.databricks_stub.states import LifeCycle, State
from tests.unit.databricks_stub.fakes import WAIT_SECONDS, Harness, task


def refuse_once(monkeypatch: pytest.MonkeyPatch, harness: Harness, life_cycle: LifeCycle) -> list[LifeCycle]:
    """The database has no room the first time a task comes to that state; what was refused."""
    runs = harness.workspace.services.workspace.runs
    real = runs.set_task_run
    refused: list[LifeCycle] = []

    def set_task_run(run_id: int, state: State, *outcome: Any) -> None:
        if state.life_cycle is life_cycle and not refused:
            refused.append(life_cycle)
            raise sqlite3.OperationalError("database or disk is full")
        real(run_id, state, *outcome)

    monkeypatch.setattr(runs, "set_task_run", set_task_run)
    monkeypatch.setattr(worker, "ERROR_PAUSE_SECONDS", 0.01)
    return refused


@pytest.mark.parametrize("life_cycle", [LifeCycle.RUNNING, LifeCycle.TERMINATED])
def test_a_full_disk_holds_a_task_up_only_while_it_is_full(
    harnesses: Any, monkeypatch: pytest.MonkeyPatch, life_cycle: LifeCycle
) -> None:
    """Whether the start or the end of a task could not be kept, its run ends as soon as there is room."""
    harness: Harness = harnesses()
    refused = refuse_once(monkeypatch, harness, life_cycle)
    harness.start()

    run_id = harness.submit(task("a"))

    assert harness.results(run_id) == {"a": "SUCCESS"}
    assert refused == [life_cycle]
    assert any("database or disk is full" in line for line in harness.log)


def test_a_workspace_whose_disk_is_full_can_be_stopped(harnesses: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Although a task could not be started."""
    harness: Harness = harnesses()
    refused = refuse_once(monkeypatch, harness, LifeCycle.RUNNING)
    monkeypatch.setattr(worker, "ERROR_PAUSE_SECONDS", WAIT_SECONDS)
    harness.start()
    harness.submit(task("a"))
    harness.changes.wait_until(lambda: bool(refused))

    harness.workspace.stop()

    assert harness.runner.closed
