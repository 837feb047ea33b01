"""Bodies of requests: what is null, what has another shape."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.databricks_stub.fakes import Harness, refusal, task


def test_a_null_counts_as_left_out(harness: Harness) -> None:
    """Clients send their empty fields so, at any depth."""
    first = task("a", depends_on=None, max_retries=None)
    made = harness.post("/2.2/jobs/create", name="one", queue=None, tasks=[first], parameters=None)["job_id"]

    harness.post("/2.2/jobs/update", job_id=made, new_settings={"tasks": None, "name": "two", "queue": None})
    harness.post("/2.2/jobs/update", job_id=made, new_settings=None, fields_to_remove=None)
    settings = harness.get("/2.2/jobs/get", job_id=made)["settings"]
    run_id = harness.post("/2.2/jobs/run-now", job_id=made, job_parameters={"day": None}, only=None)["run_id"]

    assert (settings["name"], settings["queue"]) == ("two", {"enabled": True})
    assert [item["task_key"] for item in settings["tasks"]] == ["a"]
    assert harness.results(run_id) == {"a": "SUCCESS"}
    assert harness.runner.tasks[0].parameters == {}


@pytest.mark.parametrize(
    ("new_settings", "words"),
    [
        ({"tasks": "a"}, "new_settings.tasks must be a list of objects"),
        ({"tasks": [None]}, "new_settings.tasks must be a list of objects"),
        ({"queue": "yes"}, "queue must be an object"),
    ],
)
def test_settings_of_another_shape_are_refused(harness: Harness, new_settings: dict[str, Any], words: str) -> None:
    """And the job stays as it was."""
    made = harness.post("/2.2/jobs/create", name="one", tasks=[task("a")])["job_id"]
    before = harness.get("/2.2/jobs/get", job_id=made)

    status, code, message = refusal(harness, "/2.2/jobs/update", job_id=made, new_settings=new_settings)

    assert (status, code) == (400, "INVALID_PARAMETER_VALUE")
    assert words in message
    assert harness.get("/2.2/jobs/get", job_id=made) == before


def test_a_job_kept_with_a_null_can_be_changed(harness: Harness) -> None:
    """A former version of the sandbox kept nulls."""
    made = harness.workspace.services.workspace.jobs.create({"name": "one", "queue": None, "tasks": [task("a")]})

    harness.post("/2.2/jobs/update", job_id=made, new_settings={"name": "two"})

    assert harness.get("/2.2/jobs/get", job_id=made)["settings"]["name"] == "two"
