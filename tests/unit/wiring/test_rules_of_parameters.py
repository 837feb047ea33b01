"""The rules about widgets and parameters."""

from __future__ import annotations

import json

import pytest

from tests.unit.wiring.conftest import Project

DAY = "- name: day\n  default: ''"
TASK = "- task_key: a\n  notebook_task:\n    notebook_path: ./notebooks/a.py\n"


def test_a_widget_that_nobody_passes(project: Project) -> None:
    """Nothing defines it: the task would fail. The line is that of the reading."""
    project.notebook("a", 'x = 1\nday = dbutils.widgets.get("dya")')
    project.job(TASK, parameters=DAY)

    (found,) = project.findings("widget-passed")
    assert (found.severity, found.place.shown(project.root), found.hint) == (
        "error",
        "notebooks/a.py:4",
        "did you mean 'day'?",
    )


def test_a_widget_with_a_default_that_nobody_passes(project: Project) -> None:
    """It runs, always with its default: a warning."""
    project.notebook("a", 'dbutils.widgets.text("mode", "full")\nmode = dbutils.widgets.get("mode")')
    project.job(TASK)

    assert project.places("widget-passed") == [("warning", "notebooks/a.py:4", "mode")]


def test_a_misspelt_widget_with_a_default(project: Project) -> None:
    """The parameter that it nearly is, and that nobody reads, makes it an error."""
    project.notebook("a", 'dbutils.widgets.text("catalogue", "x")\ndbutils.widgets.get("catalogue")')
    project.job(TASK, parameters="- name: catalog\n  default: main")

    assert project.places("widget-passed") == [("error", "notebooks/a.py:4", "catalogue")]
    assert project.findings("parameter-read")[0].hint == "a notebook reads 'catalogue'"


def test_widgets_are_passed_in_many_ways(project: Project) -> None:
    """By the job, the task, the DAG, and %run."""
    project.notebook(
        "a", '%run ./b $by_run="1"', 'for n in ["by_job", "by_task", "by_dag"]:\n    dbutils.widgets.get(n)'
    )
    project.notebook("b", 'w = dbutils.widgets\nprint(w.get("by_run"))')
    project.job(f"{TASK}    base_parameters: {{by_task: 1, by_run: 1}}", parameters="- name: by_job\n  default: ''")
    project.dag(databricks={"job_name": "etl", "notebook_params": {"by_dag": "1"}})

    assert project.verdict().findings == ()


@pytest.mark.parametrize(
    "caller",
    [
        {"job_name": "etl", "job_parameters": "{{ mapped }}"},
        {"job_name": "{{ var.value.job }}", "notebook_params": {"day": "1"}},
        {"job_id": "{{ params.job }}", "job_parameters": {"day": "1"}},
    ],
    ids=["parameters of a run", "any job by name", "any job by id"],
)
def test_a_dag_that_may_pass_it(project: Project, caller: dict[str, object]) -> None:
    """What is known only when the DAG runs may be the job, and may hold the widget."""
    project.notebook("a", 'dbutils.widgets.get("day")')
    project.job(TASK)
    project.dag(databricks=caller)

    assert project.findings("widget-passed") == []


def test_a_dag_that_runs_another_job_passes_nothing(project: Project) -> None:
    """By name or by id."""
    project.notebook("a", 'dbutils.widgets.get("day")')
    project.job(TASK)
    project.dag("one", databricks={"job_name": "other", "job_parameters": {"day": "1"}})
    project.dag("two", databricks={"job_id": 1, "job_parameters": {"day": "1"}})

    assert [subject for _, _, subject in project.places("widget-passed")] == ["day"]


def test_what_a_notebook_that_runs_apart_reads(project: Project) -> None:
    """Its widgets are what dbutils.notebook.run passes, and nothing else."""
    project.notebook("a", 'dbutils.widgets.get("day")', 'dbutils.notebook.run("b", 60, {"dya": "1"})')
    project.notebook("b", 'dbutils.widgets.get("day")')
    project.job(TASK, parameters=DAY)

    assert project.places("widget-passed") == [("error", "notebooks/a.py:7", "day")]


def test_a_parameter_that_nobody_reads(project: Project) -> None:
    """Of the job, and of the task, each at its own line."""
    project.notebook("a", "print(1)")
    project.job(f"{TASK}    base_parameters:\n      own: 1", parameters=DAY)

    assert project.places("parameter-read") == [
        ("warning", "databricks.yml:8", "day"),
        ("warning", "databricks.yml:15", "own"),
    ]


def test_parameters_are_read_in_many_ways(project: Project) -> None:
    """By SQL, by a reference in the bundle, by a function that a library may call, by what is handed dbutils."""
    project.notebook("a", '# MAGIC %sql\n# MAGIC SELECT * FROM t WHERE day = :by_sql AND x = "${by_dollar}"')
    project.notebook("b", 'class Job:\n    def run(self):\n        return dbutils.widgets.get("by_class")')
    names = ("by_sql", "by_dollar", "by_class", "by_reference")
    project.job(
        TASK
        + "- task_key: b\n  notebook_task: {notebook_path: ./notebooks/b.py}\n"
        + "- task_key: c\n  condition_task: {op: EQUAL_TO, left: '{{job.parameters.[by_reference]}}', right: '1'}\n",
        parameters="\n".join(f"- name: {name}\n  default: ''" for name in names),
    )

    assert project.findings("parameter-read") == []


def test_a_widget_that_may_be_missing(project: Project) -> None:
    """Who catches the error, or looks what there is, is prepared."""
    project.notebook("a", 'try:\n    day = dbutils.widgets.get("day")\nexcept Exception:\n    day = ""')
    project.job(TASK)
    prepared = project.verdict().findings
    project.notebook("a", 'if "day" in dbutils.widgets.getAll():\n    day = dbutils.widgets.get("day")')

    assert prepared == ()
    assert [severity for severity, _, _ in project.places("widget-passed")] == ["warning"]


@pytest.mark.parametrize(
    "code",
    [
        "from contextlib import suppress\nwith suppress(Exception):\n    dbutils.widgets.get('day')",
        "dbutils.widgets.getArgument('day', 'today')",
        "getArgument('day', 'today')",
    ],
    ids=["suppressed", "a default", "a default of old"],
)
def test_a_widget_whose_absence_is_provided_for(project: Project, code: str) -> None:
    """Other words for the same care."""
    project.notebook("a", code)
    project.job(TASK)

    assert project.verdict().findings == ()


@pytest.mark.parametrize(
    ("mode", "found"), [("daily", []), ("backfill", ["error", "error"])], ids=["not taken", "taken"]
)
def test_a_widget_that_only_another_mode_reads(project: Project, mode: str, found: list[str]) -> None:
    """What the parameters decide is followed: the way that they do not take needs none of its widgets."""
    code = 'mode = dbutils.widgets.get("mode")\nif mode == "backfill":\n    start = dbutils.widgets.get("start")\n'
    project.notebook("a", code + 'end = dbutils.widgets.get("end") if mode == "backfill" else ""')
    project.job(f"{TASK}    base_parameters: {{mode: {mode}}}")

    assert [severity for severity, _, _ in project.places("widget-passed")] == found


def test_what_an_inclusion_passes_is_passed(project: Project) -> None:
    """`%run ./settings $env="dev"` needs nobody else who passes `env`; a slip in it is found."""
    project.notebook("a", '%run ./settings $env="dev" $regn="eu"')
    project.notebook("settings", 'dbutils.widgets.get("env")', 'dbutils.widgets.get("region")')
    project.job(TASK)

    (found,) = project.verdict().findings
    assert (found.subject, found.hint) == ("region", "did you mean 'regn'?")


def test_two_parameters_that_differ_by_a_word_are_two(project: Project) -> None:
    """One that is not read is no slip of one that is not passed."""
    project.notebook("a", 'dbutils.widgets.text("table_a", "")\ndbutils.widgets.get("table_a")')
    project.job(TASK, parameters="- name: table_b\n  default: x")

    assert [severity for severity, _, _ in project.places("widget-passed")] == ["warning"]


def test_what_another_job_passes(project: Project) -> None:
    """run_job_task hands parameters on, as a DAG does."""
    project.notebook("a", 'dbutils.widgets.get("day")')
    bundle = project.job(TASK)
    task = "{job_id: '${resources.jobs.etl.id}', job_parameters: {day: 1}}"
    caller = f"    caller:\n      tasks:\n        - task_key: run\n          run_job_task: {task}\n"
    bundle.write_text(bundle.read_text() + caller)

    assert {finding.rule for finding in project.verdict().findings} == {"task-executed"}


def test_a_job_that_runs_another_hands_its_parameters_on(project: Project) -> None:
    """Nobody reads them here, and over there nobody else passes them."""
    project.notebook("a", 'dbutils.widgets.get("day")')
    bundle = project.job(TASK)
    caller = "    caller:\n      parameters: [{name: day, default: '1'}]\n      tasks:\n        - task_key: run\n"
    bundle.write_text(f"{bundle.read_text()}{caller}          run_job_task: {{job_id: '${{resources.jobs.etl.id}}'}}\n")

    assert {finding.rule for finding in project.verdict().findings} == {"task-executed"}


def test_a_notebook_that_a_dag_runs_without_a_job(project: Project) -> None:
    """By its path in the workspace, which stands for this project; by an operator or by what it submits."""
    project.notebook("a", 'dbutils.widgets.get("day")\ndbutils.widgets.get("hour")', "1 +")
    path = "/Workspace/Users/me@x.org/notebooks/a"
    project.dag("one", databricks={"notebook_path": path, "notebook_params": {"day": "{{ ds }}", "hour": 1}})
    project.dag(
        "two", databricks={"tasks": [{"notebook_task": {"notebook_path": path, "base_parameters": {"day": 1}}}]}
    )
    project.dag("far", databricks={"notebook_task": {"notebook_path": "/Shared/none"}})

    assert project.places("widget-passed") == [("error", "notebooks/a.py:4", "hour")]
    assert project.places("notebook-parses") == [("error", "notebooks/a.py:8", "a.py")]
    assert project.places("notebook-exists") == [("warning", "dags/far.py:1", "/Shared/none")]


def test_widgets_of_sql(project: Project) -> None:
    """SQL defines and reads them in its own words."""
    sql = '-- Databricks notebook source\nCREATE WIDGET TEXT day DEFAULT "1";\nSELECT getArgument("day"), :hour\n'
    project.write("notebooks/a.sql", sql)
    project.job(TASK.replace(".py", ".sql"))

    assert sorted(project.places("widget-passed")) == [
        ("error", "notebooks/a.sql:2", "hour"),
        ("warning", "notebooks/a.sql:2", "day"),
    ]


def test_who_is_handed_dbutils_may_read_anything(project: Project) -> None:
    """A library that is given dbutils is not looked into."""
    project.notebook("a", "import library\nsettings = library.read(dbutils)")
    project.job(TASK, parameters=DAY)

    assert project.verdict().findings == ()


def test_an_ipynb_is_named_by_cell_and_line(project: Project) -> None:
    """The lines of the file say nothing in an editor that shows cells."""
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": "# Title"},
        {"cell_type": "code", "metadata": {}, "outputs": [], "source": ["x = 1\n", 'dbutils.widgets.get("nothing")']},
    ]
    project.write("notebooks/a.ipynb", json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    project.job(TASK.replace(".py", ".ipynb"))

    assert project.places("widget-passed") == [("error", "notebooks/a.ipynb:cell 2:2", "nothing")]
