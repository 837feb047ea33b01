"""Settings of jobs: what is accepted, filled in and refused."""

from __future__ import annotations

import pytest

from sandbox.databricks_stub.jobspec import JobSpecError, normalised, parse
from tests.unit.databricks_stub.fakes import task


def test_numbers_may_come_as_strings() -> None:
    """The Airflow provider sends every number so."""
    spec = parse({"max_concurrent_runs": "3", "tasks": [task("a", max_retries="-1", timeout_seconds="60")]})

    assert spec.max_concurrent_runs == 3
    assert (spec.tasks[0].max_retries, spec.tasks[0].timeout_seconds) == (-1, 60)


def test_all_problems_come_together() -> None:
    """One message for the whole job."""
    with pytest.raises(JobSpecError) as error:
        parse(
            {
                "max_concurrent_runs": "many",
                "tasks": [{"task_key": "a"}, {}, task("b", run_if="SOMETIMES", max_retries=-2)],
            }
        )

    assert [problem.split(":")[0] for problem in error.value.problems] == [
        "task 'a'",
        "task 2 has no task_key",
        "task 'b'",
        "task 'b'",
        "max_concurrent_runs must be a whole number, not 'many'",
    ]


@pytest.mark.parametrize(
    ("tasks", "words"),
    [
        ([task("a", "a")], "depends_on has a cycle among a"),
        ([task("a", "b"), task("b", "c"), task("c", "b")], "a cycle among a, b, c"),
        ([task("a", "z")], "depends on 'z', which is no task of the job"),
        ([task("a"), task("a")], "task_key 'a' is used 2 times"),
        ([{"task_key": "a", "notebook_task": {}}], "notebook_task needs a notebook_path"),
        ([{"task_key": "a", "notebook_task": {"notebook_path": "x"}, "sql_task": {}}], "exactly one of"),
    ],
)
def test_graphs_that_cannot_run(tasks: list[dict[str, object]], words: str) -> None:
    """Each is refused with its reason."""
    with pytest.raises(JobSpecError, match=words):
        parse({"tasks": tasks})


def test_a_single_task_job_of_the_oldest_api() -> None:
    """Its task is called main."""
    kept = normalised({"name": "old", "notebook_task": {"notebook_path": "/x"}, "max_retries": 2})

    assert kept["format"] == "MULTI_TASK"
    assert kept["tasks"][0]["task_key"] == "main"
    assert kept["tasks"][0]["max_retries"] == 2
    assert "notebook_task" not in kept


@pytest.mark.parametrize(("run_name", "task_key"), [("0a_b-c", "0a_b-c"), ("two words", "main"), (None, "main")])
def test_the_one_task_of_a_submitted_run(run_name: str | None, task_key: str) -> None:
    """It is called after the run, where that can be the key of a task."""
    kept = normalised({"run_name": run_name, "notebook_task": {"notebook_path": "/a"}})

    assert kept["tasks"][0]["task_key"] == task_key
