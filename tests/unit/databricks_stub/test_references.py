"""Dynamic value references in parameters, and which parameter wins."""

from __future__ import annotations

import pytest

from sandbox.databricks_stub.references import KNOWN, OF_TASKS, ReferenceMissing, names_for, resolve
from tests.unit.databricks_stub.fakes import FakeClock, Harness, task


def test_references_are_replaced() -> None:
    """Spaces inside do not matter; unknown names stay."""
    assert resolve("{{job.run_id}}-{{ job.run_id }}-{{custom}}", {"job.run_id": "7"}) == "7-7-{{custom}}"


@pytest.mark.parametrize(
    "text",
    ["{{job.parameters.[day]}}", '{{job.parameters["day"]}}', "{{ job.parameters.day }}", "{{job.parameters.`day`}}"],
)
def test_brackets_around_names(text: str) -> None:
    """As the documentation writes them, and some people too."""
    assert resolve(text, {"job.parameters.day": "1"}) == "1"


@pytest.mark.parametrize("name", ["job.parameters.none", "tasks.a.values.none"])
def test_a_missing_value_is_an_error(name: str) -> None:
    """Not an empty text."""
    with pytest.raises(ReferenceMissing, match=name):
        resolve("{{" + name + "}}", {})


def test_what_a_notebook_gets(harness: Harness) -> None:
    """The job, the run, the time, values of earlier tasks; job parameters win over the task's."""
    harness.runner.outcomes["count"] = [{"task_values": {"rows": 3, "kinds": ["a"]}}]
    wanted = {
        "name": "{{job.name}}",
        "rows": "{{tasks.count.values.rows}}",
        "kinds": "{{tasks.count.values.kinds}}",
        "result": "{{tasks.count.result_state}}",
        "shared": "of the task",
    }
    second = task("use", "count")
    second["notebook_task"]["base_parameters"] = wanted
    made = harness.post(
        "/2.2/jobs/create", name="one", tasks=[task("count"), second], parameters=[{"name": "shared", "default": "x"}]
    )

    run_id = harness.post("/2.2/jobs/run-now", job_id=made["job_id"], job_parameters={"shared": "of the job"})["run_id"]

    assert set(harness.results(run_id).values()) == {"SUCCESS"}
    assert harness.runner.tasks[1].parameters == {
        "name": "one",
        "rows": "3",
        "kinds": '["a"]',
        "result": "success",
        "shared": "of the job",
    }
    assert harness.runner.tasks[1].task_values["count"] == {"rows": 3, "kinds": ["a"]}


def test_whatever_can_be_referred_to_is_known(harness: Harness) -> None:
    """What the workspace replaces, and what `sandbox validate` takes for a name, are the same."""
    run_id = harness.submit(task("a"))
    harness.ended(run_id)
    runs = harness.workspace.services.workspace.runs
    run, (made,) = runs.job_run(run_id), runs.tasks(run_id)
    assert run is not None

    names = names_for(run, made, [made], job_name="n", workspace_url="u")

    of_tasks = {name.split(".")[2] for name in names if name.startswith("tasks.")}
    assert {name for name in names if not name.startswith("tasks.")} <= KNOWN
    assert of_tasks == {"run_id", "execution_count", "result_state"} <= set(OF_TASKS)


def test_times_are_those_of_the_run() -> None:
    """In UTC."""
    from sandbox.databricks_stub.references import _times

    assert _times("t", FakeClock(0).now_ms())["t.iso_datetime"] == "1970-01-01T00:00:00"


def test_a_reference_to_a_value_nobody_set_fails_the_task(harness: Harness) -> None:
    """With its name."""
    wrong = task("a")
    wrong["notebook_task"]["base_parameters"] = {"x": "{{tasks.a.values.none}}"}

    run_id = harness.submit(wrong)

    assert harness.results(run_id) == {"a": "FAILED"}
    assert (
        "{{tasks.a.values.none}} refers to a value that does not exist" in harness.run(run_id)["state"]["state_message"]
    )
