"""Repairs of job_runs: what runs again, what the history tells, what is refused."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.databricks_stub.fakes import FakeClock, Harness, refusal, task


def repair_history(harness: Harness, run_id: int) -> list[dict[str, Any]]:
    """The `repair_history` of a job_run."""
    run = harness.get("/2.1/jobs/runs/get", run_id=run_id, include_history="true")
    return list(run["repair_history"])


def test_a_repair_runs_the_failed_tasks_again(harness: Harness) -> None:
    """Only what had not succeeded runs again, in the same job_run, and the history tells."""
    harness.runner.outcomes["bad"] = [{"succeeded": False}, {"succeeded": True}]
    run_id = harness.submit(task("good"), task("bad", "good"), task("after", "bad"))
    assert harness.ended(run_id)["state"]["result_state"] == "FAILED"

    repair = harness.post("/2.1/jobs/runs/repair", run_id=run_id, rerun_all_failed_tasks=True)

    assert harness.results(run_id) == {"good": "SUCCESS", "bad": "SUCCESS", "after": "SUCCESS"}
    assert harness.runner.started == ["good", "bad", "bad", "after"]
    assert [entry["type"] for entry in repair_history(harness, run_id)] == ["ORIGINAL", "REPAIR"]
    assert repair_history(harness, run_id)[1]["id"] == repair["repair_id"]


def test_only_ended_runs_are_repaired(harness: Harness) -> None:
    """And every repair after the first names the one before it."""
    harness.runner.outcomes["a"] = [{"succeeded": False}]
    run_id = harness.submit(task("a"))
    harness.ended(run_id)
    first = harness.post("/2.1/jobs/runs/repair", run_id=run_id, rerun_tasks=["a"])["repair_id"]
    harness.ended(run_id)

    assert "latest_repair_id must be" in refusal(harness, "/2.1/jobs/runs/repair", run_id=run_id, rerun_tasks=["a"])[2]
    harness.post("/2.1/jobs/runs/repair", run_id=run_id, rerun_tasks=["a"], latest_repair_id=first)
    harness.ended(run_id)
    nothing = refusal(harness, "/2.1/jobs/runs/repair", run_id=harness.submit(task("b")), rerun_tasks=["z"])
    assert nothing[0] == 400


def test_the_history_of_repairs_keeps_each_end(harnesses: Any) -> None:
    """The original and every repair have the state and the end that they had, and the attempts that they made."""
    clock = FakeClock()
    harness: Harness = harnesses(clock=clock).start()
    harness.runner.outcomes["bad"] = [{"succeeded": False}] * 4 + [{"succeeded": True}]
    run_id = harness.submit(task("good"), task("bad", max_retries=1))
    harness.ended(run_id)
    repair_ids: list[int] = []
    for _ in range(2):
        clock.now += 1000
        latest = {"latest_repair_id": repair_ids[-1]} if repair_ids else {}
        repaired = harness.post("/2.1/jobs/runs/repair", run_id=run_id, rerun_all_failed_tasks=True, **latest)
        repair_ids.append(repaired["repair_id"])
        harness.ended(run_id)

    history = repair_history(harness, run_id)

    attempts = harness.workspace.services.workspace.runs.attempts(run_id)
    bad = [attempt.run_id for attempt in attempts if attempt.task_key == "bad"]
    assert [entry["state"]["result_state"] for entry in history] == ["FAILED", "FAILED", "SUCCESS"]
    assert [entry["start_time"] for entry in history] == [1_000_000, 1_001_000, 1_002_000]
    assert [entry["end_time"] for entry in history] == [1_000_000, 1_001_000, 1_002_000]
    assert [entry["task_run_ids"] for entry in history] == [[attempts[0].run_id, *bad[:2]], bad[2:4], bad[4:]]
    assert [entry.get("id") for entry in history] == [None, *repair_ids]


def test_a_history_of_which_the_ends_were_not_kept(harness: Harness) -> None:
    """A former version of the sandbox kept less of a repair: its state folder opens, and nothing is made up."""
    harness.runner.outcomes["bad"] = [{"succeeded": False}, {"succeeded": True}]
    run_id = harness.submit(task("bad"))
    harness.ended(run_id)
    repair_id = harness.post("/2.1/jobs/runs/repair", run_id=run_id, rerun_tasks=["bad"])["repair_id"]
    harness.ended(run_id)
    database = harness.workspace.services.workspace.database
    kept = json.loads(database.rows("select repairs from job_runs")[0]["repairs"])
    old = [{key: item[key] for key in ("repair_id", "start_time", "task_run_ids")} for item in kept]
    database.execute("update job_runs set repairs=?", (json.dumps(old),))

    original, repair = repair_history(harness, run_id)

    assert ("state" in original, original["end_time"]) == (False, 0)
    assert (repair["id"], repair["state"]["result_state"]) == (repair_id, "SUCCESS")


def test_a_repair_beyond_the_limit_is_skipped_and_can_be_repeated(harness: Harness) -> None:
    """Without a queue; what had ended before stays as it was."""
    harness.runner.outcomes["bad"] = [{"succeeded": False}, {"succeeded": True}]
    job_id = harness.post("/2.1/jobs/create", name="one", tasks=[task("good"), task("bad", "good")])["job_id"]
    run_id = harness.post("/2.1/jobs/run-now", job_id=job_id)["run_id"]
    harness.ended(run_id)
    harness.runner.hold("good")
    other = harness.post("/2.1/jobs/run-now", job_id=job_id)["run_id"]
    harness.changes.wait_until(lambda: "good" in harness.runner.running)

    first = harness.post("/2.1/jobs/runs/repair", run_id=run_id, rerun_all_failed_tasks=True)["repair_id"]

    state = harness.ended(run_id)["state"]
    assert (state["life_cycle_state"], state["result_state"]) == ("SKIPPED", "MAXIMUM_CONCURRENT_RUNS_REACHED")
    assert harness.results(run_id) == {"good": "SUCCESS", "bad": "MAXIMUM_CONCURRENT_RUNS_REACHED"}
    assert repair_history(harness, run_id)[0]["state"]["result_state"] == "FAILED"
    harness.runner.release("good")
    harness.ended(other)
    harness.post("/2.1/jobs/runs/repair", run_id=run_id, rerun_all_failed_tasks=True, latest_repair_id=first)
    assert harness.results(run_id) == {"good": "SUCCESS", "bad": "SUCCESS"}
