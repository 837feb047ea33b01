"""The rule about dynamic value references: each mistake with its line, and what looks like one."""

from __future__ import annotations

import pytest

from tests.unit.wiring.conftest import Project

JOB = """
- task_key: load
  notebook_task: {{notebook_path: ./notebooks/a.py}}
- task_key: use
  depends_on: [{{task_key: load}}]
  notebook_task:
    notebook_path: ./notebooks/a.py
    base_parameters:
      x: "{reference}"
- task_key: each
  for_each_task:
    inputs: "[1, 2]"
    task:
      task_key: one
      notebook_task:
        notebook_path: ./notebooks/a.py
        base_parameters: {{x: "{{{{input}}}} {{{{input.name}}}} {{{{task.name}}}}"}}
"""
PARAMETERS = "- {name: catalog, default: main}"


def write(project: Project, reference: str, *, parameters: str = PARAMETERS) -> None:
    """A job whose task `use` refers to it in line 17."""
    project.notebook("a", 'dbutils.widgets.get("x")')
    project.job(JOB.format(reference=reference), parameters=parameters)


@pytest.mark.parametrize(
    ("reference", "severity", "hint"),
    [
        ("{{job.parameters.catlog}}", "error", "did you mean 'catalog'?"),
        ("{{job.parameters.[catlog]}}", "error", "did you mean 'catalog'?"),
        ("{{job.parameters.x}}", "error", "declare it; the job's parameters: catalog"),
        ("{{job.parameter.catalog}}", "error", "did you mean {{job.parameters.catalog}}?"),
        ("{{jobs.parameters.catalog}}", "warning", "did you mean {{job.parameters.catalog}}?"),
        ("{{job.start_time.iso_dat}}", "error", "did you mean {{job.start_time.iso_date}}?"),
        ("{{tasks.load.value.rows}}", "error", "did you mean 'values'?"),
        (
            "{{tasks.load.output.rows}}",
            "warning",
            "call dbutils.jobs.taskValues.set there, and refer to {{tasks.load.values.…}}",
        ),
        ("{{input}}", "warning", "put the task into a for_each_task, or pass the value itself"),
    ],
)
def test_a_reference_to_what_there_is_not(project: Project, reference: str, severity: str, hint: str) -> None:
    """An error where a task fails or Databricks refuses the job, a warning where a text is left as it stands."""
    write(project, reference)

    (found,) = project.findings("reference-known")

    assert (str(found.severity), found.place.shown(project.root), found.hint) == (severity, "databricks.yml:17", hint)


def test_a_parameter_may_refer_to_another(project: Project) -> None:
    """What its default refers to is looked at, too."""
    parameters = """
    - {name: day, default: "{{job.start_time.iso_date}}"}
    - {name: folder, default: "/{{job.parameters.dya}}"}
    """
    write(project, "x", parameters=parameters)

    assert project.places("reference-known") == [("error", "databricks.yml:9", "job.parameters.dya")]


@pytest.mark.parametrize(
    "reference",
    [
        "{{job.parameters.catalog}} {{job.parameters.[catalog]}} {{job.parameters.`catalog`}}",
        "{{job.id}} {{job.run_id}} {{job.trigger.type}} {{job.trigger.time.iso_date}} {{job.repair_count}}",
        "{{job.trigger.table_update.updated_tables}} {{job.trigger.table_update.`a.b.c`.version}}",
        "{{backfill.iso_date}} {{job.trigger.time}} {{task.execution_count}} {{task.notebook_path}} {{workspace.id}}",
        "{{task.name}} {{task_key}} {{run_id}} {{start_date}} {{workspace.url}} {{job.start_time.timestamp_ms}}",
        "{{tasks.load.values.rows}} {{tasks.load.result_state}} {{tasks.load.error_code}} {{tasks.load.run_id}}",
        "{{ ds }} {{name}} {{customer.name}} {{job.something.new}} {{tasks.load.something}}",
    ],
)
def test_references_that_are_none_of_these_mistakes(project: Project, reference: str) -> None:
    """What Databricks knows, and what is alike to nothing that it knows."""
    write(project, reference)

    assert project.findings("reference-known") == []
    assert project.findings("task-value") == []


def test_a_parameter_that_only_a_run_brings(project: Project) -> None:
    """What a DAG passes may be referred to; what it passes by a template may be anything."""
    write(project, "{{job.parameters.day}}")
    project.dag(databricks={"job_name": "etl", "job_parameters": {"day": "1"}})
    named = project.findings("reference-known")
    project.dags.clear()
    project.dag(databricks={"job_name": "etl", "job_parameters": "{{ params.all }}"})

    assert named == []
    assert project.findings("reference-known") == []


def test_a_value_of_a_task_that_has_not_ended(project: Project) -> None:
    """By parameters and by what a for-each task goes through; the line is that of the reference."""
    project.notebook("a", "print(1)")
    project.job(
        """
        - task_key: load
          notebook_task: {notebook_path: ./notebooks/a.py}
        - task_key: each
          for_each_task:
            inputs: "{{tasks.load.values.days}}"
            task:
              task_key: one
              notebook_task:
                notebook_path: ./notebooks/a.py
                base_parameters:
                  rows: "{{tasks.loadd.output.rows}}"
        """
    )

    assert project.places("task-value") == [
        ("error", "databricks.yml:12", "load"),
        ("error", "databricks.yml:18", "loadd"),
    ]
