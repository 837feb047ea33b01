"""The rules about the bundle and its jobs: each with the mistake that it catches and one that is none."""

from __future__ import annotations

import pytest

from tests.unit.wiring.conftest import Project


def test_a_bundle_that_cannot_be_read(project: Project) -> None:
    """A reference to nothing is named with its line."""
    project.job("- task_key: a\n  notebook_task:\n    notebook_path: ./notebooks/${var.nothing}.py")

    assert project.places("bundle") == [("error", "databricks.yml:10", "databricks.yml")]


def test_a_job_that_the_workspace_would_refuse(project: Project) -> None:
    """A task of no type is named; what depends_on says is not judged twice."""
    project.job("- task_key: a\n  depends_on:\n    - task_key: b")

    (found,) = project.findings("bundle")
    assert found.message.startswith("job etl: task 'a': must have exactly one of notebook_task, ")


def test_a_job_that_is_none(project: Project) -> None:
    """Somebody has begun to write it, or has put something else in its place."""
    project.write("databricks.yml", "bundle: {name: test}\nresources:\n  jobs:\n    etl:\n      # later\n")
    begun = project.findings("bundle")
    project.write("databricks.yml", "bundle: {name: test}\nresources:\n  jobs:\n    etl: [a]\n")
    other = project.places("bundle")

    assert begun == []
    assert other == [("error", "databricks.yml:4", "databricks.yml")]


@pytest.mark.parametrize(
    "task",
    [
        "-",
        "- text",
        "- {task_key: a, sql_task: {file: {path: ./a.sql}, warehouse_id: w, parameters: [1]}}",
        "- {task_key: a, run_job_task: {job_id: '${resources.jobs.etl.id}', job_parameters: 1}}",
        "- {task_key: a, notebook_task: {notebook_path: ./a.py, base_parameters: [x]}}",
        "- {task_key: a, for_each_task: 1}",
    ],
)
def test_a_task_of_another_form(project: Project, task: str) -> None:
    """Whatever stands there, the check comes to its end."""
    project.write("a.sql", "SELECT 1")
    project.job(task)

    assert project.verdict().findings


def test_the_job_of_a_dag_must_exist(project: Project) -> None:
    """A DAG that names a job which the bundle lacks is told the one it is likely to mean, at the line of job_name."""
    project.notebook("a", "print(1)")
    project.tasks("a")
    project.write("dags/consumer.py", 'JOB = "elt"\nrun = Operator(\n    task_id="run",\n    job_name=JOB,\n)\n')
    project.dag(databricks={"job_name": "elt"})

    found = project.findings("job-exists")

    assert [finding.place.shown(project.root) for finding in found] == ["dags/consumer.py:4"]
    assert found[0].hint == "did you mean 'etl'?"


@pytest.mark.parametrize("name", ["etl", "{{ var.value.job }}"])
def test_a_job_that_exists_or_is_known_later(project: Project, name: str) -> None:
    """A template is no mistake."""
    project.notebook("a", "print(1)")
    project.tasks("a")
    project.dag(databricks={"job_name": name})

    assert project.findings("job-exists") == []


def test_the_prefix_of_a_development_target_is_explained(project: Project) -> None:
    """A target that renames the jobs is a cause that nobody sees in the DAG."""
    project.notebook("a", "print(1)")
    path = project.tasks("a")
    path.write_text(path.read_text() + "targets:\n  local:\n    mode: development\n")
    project.dag(databricks={"job_name": "etl"})

    assert "without mode: development" in project.findings("job-exists")[0].hint


def test_a_job_without_a_bundle(project: Project) -> None:
    """A DAG runs a job, and there is no databricks.yml."""
    project.dag(databricks={"job_name": "etl"})

    assert "there is no databricks.yml" in project.findings("job-exists")[0].message


def test_a_job_id_is_no_name(project: Project) -> None:
    """An id is that of one workspace: a warning."""
    project.notebook("a", "print(1)")
    project.tasks("a")
    project.dag(databricks={"job_id": 123})

    assert project.places("job-exists") == [("warning", "dags/consumer.py:1", "123")]


def test_what_a_dag_passes_must_be_known(project: Project) -> None:
    """A parameter that the job neither declares nor reads is an error; one that a notebook reads is none."""
    project.notebook("a", 'dbutils.widgets.text("day", "")\ndbutils.widgets.get("day")')
    project.tasks("a")
    project.dag(databricks={"job_name": "etl", "job_parameters": {"day": "{{ ds }}", "dya": "{{ ds }}"}})

    assert [(finding.subject, finding.hint) for finding in project.findings("job-parameters")] == [
        ("dya", "did you mean 'day'?")
    ]


def two_jobs(project: Project, given: str) -> None:
    """The job `outer` runs the job `etl`, whose notebook reads `day`, with these job_parameters."""
    project.notebook("a", 'dbutils.widgets.text("day", "")\ndbutils.widgets.get("day")')
    project.write(
        "databricks.yml",
        f"""
        bundle: {{name: test}}
        resources:
          jobs:
            etl:
              parameters: [{{name: mode, default: full}}]
              tasks:
                - task_key: a
                  condition_task: {{op: EQUAL_TO, left: "{{{{job.parameters.mode}}}}", right: full}}
                - task_key: b
                  notebook_task: {{notebook_path: ./notebooks/a.py}}
            outer:
              tasks:
                - task_key: run
                  run_job_task:
                    job_id: ${{resources.jobs.etl.id}}
                    job_parameters: {given}
        """,
    )


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("{moed: x}", [("error", "databricks.yml:16", "moed")]),
        ("{dya: x}", [("warning", "databricks.yml:16", "dya")]),
        ("{day: x, days: x}", [("warning", "databricks.yml:16", "days")]),
    ],
)
def test_what_a_job_passes_to_a_job_must_be_known(project: Project, given: str, found: list[object]) -> None:
    """A slip keeps what was meant from the job; what nobody misses does no harm."""
    two_jobs(project, given)

    assert project.places("job-parameters") == found


def test_what_a_job_passes_to_a_job_is_declared_or_read(project: Project) -> None:
    """One of each."""
    two_jobs(project, "{mode: x, day: x}")

    assert project.findings("job-parameters") == []


def test_what_a_dag_passes_may_be_read_by_what_cannot_be_followed(project: Project) -> None:
    """A wheel may read any parameter."""
    project.job("- task_key: w\n  python_wheel_task: {package_name: x, entry_point: y}")
    project.dag(databricks={"job_name": "etl", "job_parameters": {"day": "1"}})

    assert project.findings("job-parameters") == []
