"""The worker: order, parallelism, failures, retries, cancelling, timeouts, queueing, recovery."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.databricks_stub.states import LifeCycle, State
from tests.unit.databricks_stub.fakes import FakeClock, FakeRunner, Harness, task


def test_tasks_run_in_the_order_of_depends_on(harness: Harness) -> None:
    """A task starts when all that it depends on has succeeded."""
    run_id = harness.submit(task("gold", "silver"), task("silver", "bronze"), task("bronze"))

    run = harness.ended(run_id)

    assert harness.runner.started == ["bronze", "silver", "gold"]
    assert run["state"]["result_state"] == "SUCCESS"
    assert run["state"]["life_cycle_state"] == "TERMINATED"


def test_independent_tasks_run_side_by_side_up_to_the_limit(harnesses: Any) -> None:
    """Two of three independent tasks run at once when the limit is two; the third waits for a slot."""
    harness: Harness = harnesses(max_parallel_tasks=2).start()
    harness.runner.hold("a", "b", "c")

    run_id = harness.submit(task("a"), task("b"), task("c"))

    harness.changes.wait_until(lambda: len(harness.runner.running) == 2)
    harness.changes.wait_until(
        lambda: "PENDING" in {t["state"]["life_cycle_state"] for t in harness.run(run_id)["tasks"]}
    )
    harness.runner.release("a", "b", "c")
    assert set(harness.results(run_id).values()) == {"SUCCESS"}
    assert harness.runner.most_at_once == 2


def test_a_failed_task_fails_the_run_and_skips_what_depends_on_it(harness: Harness) -> None:
    """The failure is told in Databricks's words; independent tasks still run."""
    harness.runner.outcomes["bad"] = [{"succeeded": False, "error": "ValueError: no"}]

    run_id = harness.submit(task("bad"), task("after", "bad"), task("other"))

    assert harness.results(run_id) == {"bad": "FAILED", "after": "UPSTREAM_FAILED", "other": "SUCCESS"}
    state = harness.run(run_id)["state"]
    assert state["result_state"] == "FAILED"
    assert state["life_cycle_state"] == "INTERNAL_ERROR"
    assert state["state_message"] == (
        "Task bad failed with message: Workload failed, see run output for details. "
        "This caused all downstream tasks to get skipped."
    )
    assert harness.run(run_id)["status"]["termination_details"]["code"] == "RUN_EXECUTION_ERROR"


def test_a_failure_is_not_told_before_a_client_can_have_seen_the_run(harnesses: Any) -> None:
    """The Airflow provider takes a run that has failed before it first looks for a success."""
    clock = FakeClock()
    harness: Harness = harnesses(clock=clock, failure_delay_ms=3000).start()
    harness.runner.outcomes["bad"] = [{"succeeded": False}]
    run_id = harness.submit(task("bad"))

    harness.changes.wait_until(lambda: "result_state" in harness.run(run_id)["tasks"][0]["state"])
    before = harness.run(run_id)["state"]["life_cycle_state"]
    clock.now += 3000
    harness.workspace.worker.wake()

    assert before == "RUNNING"
    assert harness.ended(run_id)["state"]["result_state"] == "FAILED"


def test_a_failed_task_is_retried(harness: Harness) -> None:
    """max_retries gives further attempts, each with its own run_id; the last one counts."""
    harness.runner.outcomes["flaky"] = [{"succeeded": False}, {"succeeded": False}, {"succeeded": True}]

    run_id = harness.submit(task("flaky", max_retries="2"))

    run = harness.ended(run_id)
    assert run["state"]["result_state"] == "SUCCESS"
    assert run["tasks"][0]["attempt_number"] == 2
    assert len({started.run_id for started in harness.runner.tasks}) == 3


def test_a_retry_waits_for_its_interval(harnesses: Any) -> None:
    """min_retry_interval_millis holds the next attempt back, visibly."""
    clock = FakeClock()
    harness: Harness = harnesses(clock=clock).start()
    harness.runner.outcomes["flaky"] = [{"succeeded": False}, {"succeeded": True}]

    run_id = harness.submit(task("flaky", max_retries=1, min_retry_interval_millis=60_000))

    harness.changes.wait_until(
        lambda: harness.run(run_id)["tasks"][0]["state"]["life_cycle_state"] == "WAITING_FOR_RETRY"
    )
    clock.now += 60_000
    harness.workspace.worker.wake()
    assert harness.results(run_id) == {"flaky": "SUCCESS"}


def test_cancelling_ends_the_running_and_the_waiting_tasks(harness: Harness) -> None:
    """The run ends CANCELED; nothing that waited ever starts."""
    harness.runner.hold("long")
    run_id = harness.submit(task("long"), task("after", "long"))
    harness.changes.wait_until(lambda: "long" in harness.runner.running)

    harness.post("/2.1/jobs/runs/cancel", run_id=run_id)

    assert harness.results(run_id) == {"long": "CANCELED", "after": "CANCELED"}
    assert harness.run(run_id)["state"]["result_state"] == "CANCELED"
    assert harness.run(run_id)["state"]["user_cancelled_or_timedout"] is True
    assert harness.runner.started == ["long"]


def test_cancelling_one_task_leaves_the_others(harness: Harness) -> None:
    """A task_run's own id cancels that task only."""
    harness.runner.hold("long")
    run_id = harness.submit(task("long"), task("other"))
    harness.changes.wait_until(lambda: "long" in harness.runner.running)
    long_id = next(t["run_id"] for t in harness.run(run_id)["tasks"] if t["task_key"] == "long")

    harness.post("/2.1/jobs/runs/cancel", run_id=long_id)

    assert harness.results(run_id) == {"long": "CANCELED", "other": "SUCCESS"}


def test_a_task_that_times_out(harness: Harness) -> None:
    """The runner reports it; the task is TIMEDOUT and its run fails."""
    harness.runner.outcomes["slow"] = [{"succeeded": False, "timed_out": True}]

    run_id = harness.submit(task("slow", timeout_seconds=5))

    assert harness.results(run_id) == {"slow": "TIMEDOUT"}
    assert harness.runner.tasks[0].timeout_seconds == 5
    assert harness.run(run_id)["state"]["result_state"] == "FAILED"


def test_a_run_that_takes_longer_than_its_timeout(harnesses: Any) -> None:
    """timeout_seconds of a job ends the run as TIMEDOUT."""
    clock = FakeClock()
    harness: Harness = harnesses(clock=clock).start()
    harness.runner.hold("slow")
    run_id = harness.submit(task("slow"), timeout_seconds=30)
    harness.changes.wait_until(lambda: "slow" in harness.runner.running)

    clock.now += 30_000
    harness.workspace.worker.wake()

    assert harness.results(run_id) == {"slow": "CANCELED"}
    assert harness.run(run_id)["state"]["result_state"] == "TIMEDOUT"


def test_a_run_beyond_the_limit_waits_in_the_queue(harness: Harness) -> None:
    """With queueing, the second run of a job starts when the first has ended."""
    harness.runner.hold("a")
    job_id = harness.post("/2.2/jobs/create", name="one", tasks=[task("a")])["job_id"]
    first = harness.post("/2.2/jobs/run-now", job_id=job_id)["run_id"]
    harness.changes.wait_until(lambda: "a" in harness.runner.running)

    second = harness.post("/2.2/jobs/run-now", job_id=job_id)["run_id"]

    harness.changes.wait_until(lambda: harness.run(second)["state"]["life_cycle_state"] == "QUEUED")
    assert harness.run(second)["status"]["queue_details"]["code"] == "MAX_CONCURRENT_RUNS_REACHED"
    harness.runner.release("a")
    assert harness.results(first) == {"a": "SUCCESS"}
    assert harness.results(second) == {"a": "SUCCESS"}


def test_a_run_beyond_the_limit_is_skipped_without_a_queue(harness: Harness) -> None:
    """Without queueing (the default of API 2.1), it ends SKIPPED at once."""
    harness.runner.hold("a")
    job_id = harness.post("/2.1/jobs/create", name="one", tasks=[task("a")])["job_id"]
    harness.post("/2.1/jobs/run-now", job_id=job_id)
    harness.changes.wait_until(lambda: "a" in harness.runner.running)

    second = harness.post("/2.1/jobs/run-now", job_id=job_id)["run_id"]

    state = harness.ended(second)["state"]
    assert state["life_cycle_state"] == "SKIPPED"
    assert state["result_state"] == "MAXIMUM_CONCURRENT_RUNS_REACHED"


def test_accepted_runs_survive_the_workspace(harnesses: Any) -> None:
    """What was accepted but not begun when the workspace died runs after the next start."""
    before: Harness = harnesses()
    run_id = before.submit(task("a"))
    before.workspace.services.workspace.close()
    before.runner.closed = True

    after: Harness = harnesses().start()

    assert after.results(run_id) == {"a": "SUCCESS"}


def test_a_task_that_ran_when_the_workspace_died_is_started_again(harnesses: Any) -> None:
    """The interrupted attempt is reported, tasks that had ended are not repeated, and the run finishes."""
    before: Harness = harnesses().start()
    before.runner.hold("second")
    run_id = before.submit(task("first"), task("second", "first"))
    before.changes.wait_until(lambda: "second" in before.runner.running)
    before.workspace.stop()

    after: Harness = harnesses().start()

    run = after.ended(run_id)
    assert run["state"]["result_state"] == "SUCCESS"
    assert after.runner.started == ["second"]
    history = after.get("/2.1/jobs/runs/get", run_id=run_id, include_history="true")["repair_history"]
    assert len(history[0]["task_run_ids"]) == 3


@pytest.mark.parametrize("max_retries", [0, 1, -1])
def test_a_task_that_keeps_killing_the_workspace_is_given_up(harnesses: Any, max_retries: int) -> None:
    """After three interruptions the run ends as INTERNAL_ERROR and says so, whatever retries it may have."""
    harness: Harness = harnesses()
    run_id = harness.submit(task("deadly", max_retries=max_retries))
    runs = harness.workspace.services.workspace.runs
    runs.set_job_run(run_id, State(life_cycle=LifeCycle.RUNNING))

    for _ in range(3):
        runs.set_task_run(runs.tasks(run_id)[0].run_id, State(life_cycle=LifeCycle.RUNNING))
        harness.workspace.worker._recover()
    harness.start()

    state = harness.ended(run_id)["state"]
    assert state["life_cycle_state"] == "INTERNAL_ERROR"
    assert "The workspace stopped while this task ran (3 times)" in state["state_message"]
    assert harness.run(run_id)["status"]["termination_details"]["code"] == "INTERNAL_ERROR"
    assert harness.runner.started == []


def test_a_bug_of_ours_ends_the_task_not_the_workspace(harnesses: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception nobody foresaw is the task's INTERNAL_ERROR, with its traceback; the next run works."""
    harness: Harness = harnesses().start()
    monkeypatch.setattr(FakeRunner, "run", lambda *_: 1 / 0)

    run_id = harness.submit(task("a"))

    run = harness.ended(run_id)
    assert run["state"]["life_cycle_state"] == "INTERNAL_ERROR"
    output = harness.get("/2.1/jobs/runs/get-output", run_id=run_id)
    assert "ZeroDivisionError" in output["error"]
    assert "Traceback" in output["error_trace"]
    monkeypatch.undo()
    assert harness.results(harness.submit(task("b"))) == {"b": "SUCCESS"}
