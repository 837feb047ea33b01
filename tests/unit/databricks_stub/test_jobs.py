"""Jobs and job_runs over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.databricks_stub.fakes import FakeClock, Harness, refusal, task

BUNDLE = """
bundle: {name: demo}
resources:
  jobs:
    medallion:
      name: medallion
      parameters: [{name: day, default: "2024-01-01"}]
      tasks:
        [{task_key: a, notebook_task: {notebook_path: notebooks/some.py, base_parameters: {run: "{{job.run_id}}"}}}]
"""


@pytest.fixture
def bundled(harnesses: Any, tmp_path: Path) -> Harness:
    """A workspace whose project has a bundle."""
    (tmp_path / "project").mkdir()
    bundle = tmp_path / "project" / "databricks.yml"
    bundle.write_text(BUNDLE)
    made: Harness = harnesses(bundle=bundle)
    return made.start()


def job_id(harness: Harness, name: str = "medallion") -> int:
    """The id of the job of that name."""
    return int(harness.get("/2.1/jobs/list", name=name)["jobs"][0]["job_id"])


def test_a_job_is_created_read_changed_and_deleted(harness: Harness) -> None:
    """The life of a job."""
    made = harness.post("/2.1/jobs/create", name="one", tasks=[task("a")], tags={"x": "y"})["job_id"]
    assert harness.get("/2.1/jobs/get", job_id=made)["settings"]["tags"] == {"x": "y"}

    harness.post(
        "/2.1/jobs/update",
        job_id=made,
        new_settings={"name": "two", "tasks": [task("b")]},
        fields_to_remove=["tags", "tasks/a"],
    )
    settings = harness.get("/2.1/jobs/get", job_id=made)["settings"]
    assert (settings["name"], [item["task_key"] for item in settings["tasks"]]) == ("two", ["b"])
    assert "tags" not in settings

    harness.post("/2.1/jobs/reset", job_id=made, new_settings={"name": "three", "tasks": [task("c")]})
    assert harness.get("/2.1/jobs/get", job_id=made)["settings"]["name"] == "three"

    harness.post("/2.1/jobs/delete", job_id=made)
    answer = harness.client.get("/api/2.1/jobs/get", params={"job_id": made})
    assert answer.json() == {"error_code": "INVALID_PARAMETER_VALUE", "message": f"Job {made} does not exist."}


@pytest.mark.parametrize("path", ["jobs/update", "jobs/reset", "jobs/delete", "jobs/run-now"])
def test_a_job_that_does_not_exist(harness: Harness, path: str) -> None:
    """It is a 400 of Databricks, not a 404; the SDKs look for its words."""
    answer = refusal(harness, f"/2.2/{path}", job_id=5, new_settings={"name": "one"})

    assert answer == (400, "INVALID_PARAMETER_VALUE", "Job 5 does not exist.")


def test_a_job_that_cannot_run_is_refused(harness: Harness) -> None:
    """With every problem in one message."""
    status, code, message = refusal(harness, "/2.1/jobs/create", tasks=[task("a", "b"), {"task_key": "c"}])

    assert (status, code) == (400, "INVALID_PARAMETER_VALUE")
    assert "task 'c': must have exactly one of" in message


def test_jobs_are_listed_in_pages(harnesses: Any) -> None:
    """Newest first, by page_token; has_more until API 2.1 only."""
    clock = FakeClock()
    harness: Harness = harnesses(clock=clock)
    for number in range(5):
        clock.now += 1
        harness.post("/2.1/jobs/create", name=f"job-{number}", tasks=[task("a")])

    first = harness.get("/2.1/jobs/list", limit=2)
    second = harness.get("/2.1/jobs/list", limit=2, page_token=first["next_page_token"])
    last = harness.get("/2.2/jobs/list", limit=2, page_token=second["next_page_token"], expand_tasks="true")

    names = [job["settings"]["name"] for page in (first, second, last) for job in page["jobs"]]
    assert names == ["job-4", "job-3", "job-2", "job-1", "job-0"]
    assert (first["has_more"], "has_more" in last, "next_page_token" in last) == (True, False, False)
    assert "tasks" not in first["jobs"][0]["settings"]
    assert last["jobs"][0]["settings"]["tasks"][0]["task_key"] == "a"


def test_jobs_are_found_by_their_exact_name(harness: Harness) -> None:
    """In any case of letters; nothing found is an empty answer."""
    harness.post("/2.1/jobs/create", name="One", tasks=[task("a")])
    harness.post("/2.1/jobs/create", name="One more", tasks=[task("a")])

    assert [job["settings"]["name"] for job in harness.get("/2.1/jobs/list", name="one")["jobs"]] == ["One"]
    assert harness.get("/2.1/jobs/list", name="two") == {"has_more": False}


def test_a_large_job_comes_in_pages_of_tasks(harness: Harness) -> None:
    """A hundred a page, of jobs and of runs."""
    made = harness.post("/2.2/jobs/create", name="large", tasks=[task(f"t{n}") for n in range(130)])["job_id"]
    run_id = harness.post("/2.2/jobs/run-now", job_id=made)["run_id"]

    first = harness.get("/2.2/jobs/get", job_id=made)
    rest = harness.get("/2.2/jobs/get", job_id=made, page_token=first["next_page_token"])
    run = harness.get("/2.2/jobs/runs/get", run_id=run_id)
    run_rest = harness.get("/2.2/jobs/runs/get", run_id=run_id, page_token=run["next_page_token"])

    assert (len(first["settings"]["tasks"]), len(rest["settings"]["tasks"])) == (100, 30)
    assert (len(run["tasks"]), len(run_rest["tasks"]), "next_page_token" in run_rest) == (100, 30, False)
    harness.post("/2.2/jobs/runs/cancel", run_id=run_id)
    harness.changes.wait_until(lambda: "result_state" in harness.run(run_id)["state"])


def test_the_jobs_of_the_bundle_are_there(bundled: Harness) -> None:
    """With an id that outlives the workspace's state, and parameters that reach the notebook."""
    run_id = bundled.post("/2.1/jobs/run-now", job_id=job_id(bundled), job_parameters={"day": "2024-02-02"})["run_id"]

    assert bundled.results(run_id) == {"a": "SUCCESS"}
    started = bundled.runner.tasks[0]
    assert started.parameters == {"run": str(run_id), "day": "2024-02-02"}
    assert started.notebook_path == bundled.settings.project_root / "notebooks" / "some.py"
    assert started.job_name == "medallion"
    parameters = bundled.run(run_id)["job_parameters"]
    assert parameters == [{"name": "day", "value": "2024-02-02", "default": "2024-01-01"}]


def test_an_edited_bundle_is_what_the_next_run_executes(bundled: Harness) -> None:
    """And a run that was accepted before keeps its definition."""
    bundled.runner.hold("a")
    first = bundled.post("/2.1/jobs/run-now", job_id=job_id(bundled))["run_id"]
    assert bundled.settings.bundle is not None
    bundled.settings.bundle.write_text(BUNDLE.replace("task_key: a", "task_key: edited"))

    second = bundled.post("/2.1/jobs/run-now", job_id=job_id(bundled))["run_id"]

    bundled.runner.release("a")
    assert bundled.results(first) == {"a": "SUCCESS"}
    assert bundled.results(second) == {"edited": "SUCCESS"}


def test_a_broken_bundle_is_told_and_jobs_of_the_api_still_run(bundled: Harness) -> None:
    """Whoever asks for the bundle's jobs learns file and line."""
    medallion = job_id(bundled)
    made = bundled.post("/2.1/jobs/create", name="own", tasks=[task("b")])["job_id"]
    assert bundled.settings.bundle is not None
    bundled.settings.bundle.write_text(BUNDLE.replace("[{task_key", "{task_key"))

    status, code, message = refusal(bundled, "/2.1/jobs/run-now", job_id=medallion)

    assert (status, code) == (400, "INVALID_STATE")
    assert "databricks.yml:9" in message
    assert bundled.results(bundled.post("/2.1/jobs/run-now", job_id=made)["run_id"]) == {"b": "SUCCESS"}


def test_a_change_of_a_bundle_job_holds_until_the_bundle_changes(bundled: Harness) -> None:
    """As on Databricks, where the next deployment overwrites it."""
    medallion = job_id(bundled)
    bundled.post("/2.1/jobs/update", job_id=medallion, new_settings={"max_concurrent_runs": 7})
    changed = bundled.get("/2.1/jobs/get", job_id=medallion)["settings"]["max_concurrent_runs"]
    assert bundled.settings.bundle is not None
    bundled.settings.bundle.write_text(BUNDLE.replace("2024-01-01", "2025-01-01"))

    settings = bundled.get("/2.1/jobs/get", job_id=medallion)["settings"]

    assert changed == 7
    assert settings["max_concurrent_runs"] == 1
    assert settings["parameters"][0]["default"] == "2025-01-01"


def test_an_idempotency_token_starts_one_run_only(harness: Harness) -> None:
    """The second request with it gets the first one's run, also for one-time runs."""
    made = harness.post("/2.1/jobs/create", name="one", tasks=[task("a")])["job_id"]

    runs = {harness.post("/2.1/jobs/run-now", job_id=made, idempotency_token="x")["run_id"] for _ in range(3)}
    submits = {harness.submit(task("b"), idempotency_token="y") for _ in range(3)}

    assert (len(runs), len(submits)) == (1, 1)
    assert runs != submits


def test_the_idempotency_token_of_a_deleted_run_is_refused(harness: Harness) -> None:
    """It starts nothing, and does not give the id of a run that is gone."""
    run_id = harness.submit(task("a"), idempotency_token="x")
    harness.ended(run_id)
    harness.post("/2.1/jobs/runs/delete", run_id=run_id)

    status, code, message = refusal(harness, "/2.1/jobs/runs/submit", tasks=[task("a")], idempotency_token="x")

    assert (status, code) == (400, "INVALID_PARAMETER_VALUE")
    assert message == f"The run {run_id} of idempotency_token 'x' has been deleted."
    assert harness.runner.started == ["a"]


def test_run_now_refuses_what_it_cannot_mean(harness: Harness) -> None:
    """Each with its reason."""
    made = harness.post("/2.1/jobs/create", name="one", tasks=[task("a")])["job_id"]
    empty = harness.post("/2.1/jobs/create", name="none")["job_id"]

    both = refusal(harness, "/2.1/jobs/run-now", job_id=made, job_parameters={"a": "1"}, notebook_params={"b": "2"})
    assert both[2] == "job_parameters cannot be combined with notebook_params"
    assert "has no task z" in refusal(harness, "/2.1/jobs/run-now", job_id=made, only=["z"])[2]
    assert "no tasks to run" in refusal(harness, "/2.1/jobs/run-now", job_id=empty)[2]
    assert "longer than 64" in refusal(harness, "/2.1/jobs/run-now", job_id=made, idempotency_token="x" * 65)[2]


@pytest.mark.parametrize("number", [2**63, -(10**40)])
def test_a_number_beyond_64_bits_is_refused(harness: Harness, number: int) -> None:
    """It is the client's mistake, not ours."""
    assert "job_id must be a whole number of 64 bits" in refusal(harness, "/2.1/jobs/run-now", job_id=number)[2]


def test_only_some_tasks_can_be_run(harness: Harness) -> None:
    """`only` leaves out the others, also those upstream."""
    made = harness.post("/2.1/jobs/create", name="one", tasks=[task("a"), task("b", "a"), task("c", "b")])["job_id"]

    run_id = harness.post("/2.1/jobs/run-now", job_id=made, only=["b", "c"])["run_id"]

    assert harness.results(run_id) == {"b": "SUCCESS", "c": "SUCCESS"}


def test_a_run_can_be_found_by_all_its_ids(harness: Harness) -> None:
    """By its own, and each task by its own; with the page's address, the job and the state."""
    run_id = harness.submit(task("a"), run_name="once")
    run = harness.ended(run_id)
    task_run = harness.run(run["tasks"][0]["run_id"])

    assert (run["run_name"], run["run_type"]) == ("once", "SUBMIT_RUN")
    assert run["run_page_url"].startswith(f"http://127.0.0.1:8090/jobs/{run['job_id']}/runs/{run_id}?o=")
    assert (task_run["task_key"], task_run["job_run_id"]) == ("a", run_id)
    assert task_run["state"]["result_state"] == "SUCCESS"


def test_runs_are_listed_newest_first(harness: Harness) -> None:
    """By job, by whether they have ended, in pages."""
    made = harness.post("/2.1/jobs/create", name="one", tasks=[task("a")])["job_id"]
    ids = [harness.post("/2.1/jobs/run-now", job_id=made)["run_id"]]
    harness.ended(ids[0])
    ids.append(harness.post("/2.1/jobs/run-now", job_id=made)["run_id"])
    harness.ended(ids[1])
    harness.runner.hold("a")
    ids.append(harness.post("/2.1/jobs/run-now", job_id=made)["run_id"])
    other = harness.submit(task("b"))
    harness.ended(other)

    def listed(**params: Any) -> list[int]:
        return [run["run_id"] for run in harness.get("/2.1/jobs/runs/list", **params).get("runs", ())]

    assert listed() == [other, *reversed(ids)]
    assert listed(job_id=made, active_only="true") == [ids[2]]
    assert listed(job_id=made, completed_only="true") == [ids[1], ids[0]]
    assert listed(job_id=made, limit=1, page_token="1") == [ids[1]]
    harness.runner.release("a")


def test_the_output_of_a_task(harness: Harness) -> None:
    """The exit value, or the error with its traceback and the failing notebook_cell."""
    cell = {"cell_type": "code", "source": ["1", "/0"], "outputs": [{"output_type": "stream", "text": "before\n"}]}
    harness.runner.outcomes["good"] = [{"exit_value": '{"rows": 3}'}]
    harness.runner.outcomes["bad"] = [
        {
            "succeeded": False,
            "error": "ZeroDivisionError: division by zero",
            "error_trace": "Traceback …",
            "failed_notebook_cell": 1,
            "cells": [cell],
        }
    ]
    run_id = harness.submit(task("good"), task("bad"))
    ids = {item["task_key"]: item["run_id"] for item in harness.ended(run_id)["tasks"]}

    good = harness.get("/2.1/jobs/runs/get-output", run_id=ids["good"])
    bad = harness.get("/2.1/jobs/runs/get-output", run_id=ids["bad"])
    whole = harness.client.get("/api/2.1/jobs/runs/get-output", params={"run_id": run_id})

    assert good["notebook_output"] == {"result": '{"rows": 3}', "truncated": False}
    assert good["metadata"]["run_id"] == ids["good"]
    assert (bad["error"], bad["error_trace"]) == ("ZeroDivisionError: division by zero", "Traceback …")
    assert bad["sandbox"]["failed_notebook_cell"] == {
        "index": 1,
        "source": "1/0",
        "output": "before\n",
        "traceback": "",
    }
    assert "Retrieving the output of runs with multiple tasks is not supported" in whole.json()["message"]


def test_a_notebook_that_does_not_exist_fails_the_task(harness: Harness) -> None:
    """Never a success; the reason says where it was looked for."""
    run_id = harness.submit({"task_key": "a", "notebook_task": {"notebook_path": "/Workspace/notebooks/none"}})

    assert harness.results(run_id) == {"a": "FAILED"}
    error = harness.get("/2.1/jobs/runs/get-output", run_id=run_id)["error"]
    assert "Notebook /Workspace/notebooks/none does not exist" in error
    assert str(harness.settings.project_root / "notebooks" / "none") in error


def test_a_kind_of_task_that_is_not_supported_fails(harness: Harness) -> None:
    """And says where to add it."""
    run_id = harness.submit({"task_key": "a", "spark_jar_task": {"main_class_name": "X"}})

    assert harness.results(run_id) == {"a": "FAILED"}
    assert "cannot run a spark_jar_task yet" in harness.get("/2.1/jobs/runs/get-output", run_id=run_id)["error"]


def test_cancel_all_and_delete(harness: Harness) -> None:
    """An active run cannot be deleted; a cancelled one can, and is gone then."""
    harness.runner.hold("a")
    made = harness.post("/2.2/jobs/create", name="one", tasks=[task("a")])["job_id"]
    ids = [harness.post("/2.2/jobs/run-now", job_id=made)["run_id"] for _ in range(2)]
    harness.changes.wait_until(lambda: "a" in harness.runner.running)
    assert refusal(harness, "/2.1/jobs/runs/delete", run_id=ids[0])[1] == "INVALID_STATE"

    harness.post("/2.2/jobs/runs/cancel-all", job_id=made)

    assert [harness.ended(run_id)["state"]["result_state"] for run_id in ids] == ["CANCELED", "CANCELED"]
    harness.post("/2.1/jobs/runs/delete", run_id=ids[0])
    assert harness.client.get("/api/2.1/jobs/runs/get", params={"run_id": ids[0]}).status_code == 400


@pytest.mark.parametrize("whole_workspace", [True, False])
def test_only_queued_runs_can_be_cancelled(harness: Harness, whole_workspace: bool) -> None:
    """`all_queued_runs` leaves alone what runs; with a job it means that job's."""
    harness.runner.hold("a")
    jobs = [harness.post("/2.2/jobs/create", name=name, tasks=[task("a")])["job_id"] for name in ("one", "two")]
    running, queued = ([harness.post("/2.2/jobs/run-now", job_id=job)["run_id"] for job in jobs] for _ in range(2))
    harness.changes.wait_until(
        lambda: {harness.run(run_id)["state"]["life_cycle_state"] for run_id in queued} == {"QUEUED"}
    )

    chosen = {} if whole_workspace else {"job_id": jobs[0]}
    harness.post("/2.2/jobs/runs/cancel-all", all_queued_runs=True, **chosen)

    assert harness.ended(queued[0])["state"]["result_state"] == "CANCELED"
    if whole_workspace:
        assert harness.ended(queued[1])["state"]["result_state"] == "CANCELED"
    harness.runner.release("a")
    assert [harness.results(run_id) for run_id in running] == [{"a": "SUCCESS"}] * 2
    if not whole_workspace:
        assert harness.results(queued[1]) == {"a": "SUCCESS"}
