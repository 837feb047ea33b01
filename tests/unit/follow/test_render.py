"""The tree of a chain: what runs, what waits for what, for how long."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from sandbox.follow.chain import ChainState
from sandbox.follow.render import changes, tree


def dag_task(task_id: str, state: str | None, *after: str, seconds: float | None = None) -> dict[str, Any]:
    return {
        "task_id": task_id,
        "map_index": -1,
        "state": state,
        "try_number": 1,
        "seconds": seconds,
        "depends_on": list(after),
    }


def job_task(task_key: str, state: str, *after: str, seconds: float | None = None) -> dict[str, Any]:
    return {"task_key": task_key, "state": state, "seconds": seconds, "depends_on": list(after)}


def state(dag_tasks: list[dict[str, Any]], job_tasks: list[dict[str, Any]], *waiting: str) -> ChainState:
    dag_run = {
        "dag_id": "produce",
        "run_id": "r",
        "state": "running",
        "seconds": 7.0,
        "url": "http://a/r",
        "tasks": dag_tasks,
    }
    job_run = {"job": "medallion", "job_run_id": 5, "state": "RUNNING", "seconds": 3.0, "url": "http://d/5"}
    return ChainState(
        dag_runs=(dag_run,),
        job_runs=(job_run | {"tasks": job_tasks},),
        assets=(),
        waiting=waiting,
        finished=False,
        seconds=9.0,
    )


def shown(chain: ChainState) -> list[str]:
    output = io.StringIO()
    Console(width=200, file=output).print(tree(chain))
    return [line.strip("│├└─ ") for line in output.getvalue().splitlines()]


def test_a_task_that_waits_names_what_it_waits_for_and_since_when() -> None:
    """Of its predecessors only those that have not ended, and the time since its run began."""
    lines = shown(
        state(
            [
                dag_task("a", "success", seconds=1.0),
                dag_task("b", "running", "a", seconds=5.5),
                dag_task("c", None, "a", "b"),
            ],
            [job_task("x", "RUNNING", seconds=2.0), job_task("y", "BLOCKED", "x")],
        )
    )

    assert "b  running  5.5 s  after a" in lines
    assert "c  waiting  7.0 s  for b" in lines
    assert "y  waiting  3.0 s  for x" in lines


def test_a_dag_that_waits_for_assets_is_shown_with_its_time() -> None:
    """What is still to come stands below what runs."""
    lines = shown(state([], [], "consume waits for an event of posts"))

    assert lines[-1] == "consume waits for an event of posts  9.0 s"
    assert "dag_run produce  running  7.0 s  http://a/r" in lines


def test_plain_lines_tell_each_change_once() -> None:
    """Where there is no terminal to redraw, a line per change is all."""
    before = state([dag_task("a", "running")], [], "consume waits for an event of posts")
    now = state([dag_task("a", "success")], [], "consume waits for an event of posts")

    assert "consume waits for an event of posts" in list(changes(None, before))
    assert list(changes(before, now)) == ["  task produce.a: success"]
