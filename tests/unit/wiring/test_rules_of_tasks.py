"""The rules about a job's tasks: what waits for what, by names, tables and task values, and what is executed."""

from __future__ import annotations

import pytest

from tests.unit.wiring.conftest import Project


def test_depends_on_must_name_tasks(project: Project) -> None:
    """The line is that of the entry."""
    project.notebook("a", "print(1)")
    project.notebook("b", "print(1)")
    project.tasks("a", "b", b="aa")

    assert project.places("depends-on") == [("error", "databricks.yml:15", "aa")]


def test_depends_on_must_not_go_round(project: Project) -> None:
    """A circle is shown as one."""
    for name in "abc":
        project.notebook(name, "print(1)")
    project.tasks("a", "b", "c", a="c", b="a", c="b")

    (found,) = project.findings("depends-on")
    assert found.message.count("→") == 3


def test_only_a_condition_has_an_outcome(project: Project) -> None:
    """Databricks refuses the job; the line is that of the outcome."""
    project.notebook("a", "print(1)")
    project.notebook("b", "print(1)")
    path = project.tasks("a", "b", b="a")
    path.write_text(path.read_text() + '              outcome: "true"\n')

    assert project.places("depends-on") == [("error", "databricks.yml:16", "a")]


def test_the_outcome_of_a_condition(project: Project) -> None:
    """With it or without it."""
    project.notebook("b", "print(1)")
    project.job(
        """
        - task_key: full
          condition_task: {op: EQUAL_TO, left: a, right: a}
        - task_key: b
          depends_on: [{task_key: full, outcome: "true"}]
          notebook_task: {notebook_path: ./notebooks/b.py}
        - task_key: c
          depends_on: [{task_key: full}]
          notebook_task: {notebook_path: ./notebooks/b.py}
        """
    )

    assert project.findings("depends-on") == []


COMPUTE = """
- task_key: a
  job_cluster_key: {cluster}
  notebook_task: {{notebook_path: ./notebooks/a.py}}
- task_key: b
  for_each_task:
    inputs: "[1]"
    task:
      task_key: inner
      environment_key: {environment}
      python_wheel_task: {{package_name: x, entry_point: y}}
"""
DEFINED = """
      job_clusters: [{job_cluster_key: main, new_cluster: {num_workers: 1}}]
      environments: [{environment_key: default, spec: {client: "2"}}]
"""


def test_compute_that_the_job_does_not_define(project: Project) -> None:
    """A job cluster and an environment, also of a task that is repeated; the lines are those of the keys."""
    project.notebook("a", "print(1)")
    path = project.job(COMPUTE.format(cluster="mainn", environment="gpu"))
    path.write_text(path.read_text() + DEFINED)

    found = project.findings("compute-defined")

    assert [(finding.place.shown(project.root), finding.hint) for finding in found] == [
        ("databricks.yml:9", "did you mean 'main'?"),
        ("databricks.yml:16", "add it to environments, which has default"),
    ]


def test_compute_that_is_defined_or_lives_in_the_workspace(project: Project) -> None:
    """The id of a cluster is known to the workspace only."""
    project.notebook("a", "print(1)")
    text = COMPUTE.format(cluster="main", environment="default")
    text += "- {task_key: c, existing_cluster_id: 0101-x, notebook_task: {notebook_path: ./notebooks/a.py}}"
    path = project.job(text)
    path.write_text(path.read_text() + DEFINED)

    assert project.findings("compute-defined") == []


def test_tasks_wait_for_the_tables_that_they_read(project: Project) -> None:
    """A reader beside the writer is an error that names both lines, and says what to add."""
    project.notebook("bronze", 'df.write.saveAsTable("main.default.raw")')
    project.notebook("silver", 'x = 1\ndf = spark.table("raw")')
    project.tasks("bronze", "silver")

    (found,) = project.findings("table-order")
    assert (found.subject, found.place.shown(project.root)) == ("main.default.raw", "databricks.yml:11")
    assert "(notebooks/silver.py:4), which bronze writes (notebooks/bronze.py:3)" in found.message
    assert found.hint == "add to depends_on: task_key: bronze"


def test_waiting_may_be_indirect(project: Project) -> None:
    """A task between the two is enough."""
    project.notebook("bronze", 'df.write.saveAsTable("raw")')
    project.notebook("between", "print(1)")
    project.notebook("gold", 'spark.table("raw")')
    project.tasks("bronze", "between", "gold", between="bronze", gold="between")

    assert project.findings("table-order") == []


def test_what_an_earlier_task_reads_of_a_later_one_is_the_last_run_s(project: Project) -> None:
    """A watermark that the job's end writes and its begin reads is no mistake."""
    project.notebook("begin", 'spark.sql("SELECT max(day) FROM watermark")')
    project.notebook("end", 'spark.sql("MERGE INTO watermark USING x ON true WHEN MATCHED THEN UPDATE SET *")')
    project.tasks("begin", "end", end="begin")

    assert project.findings("table-order") == []


def test_own_tables_and_temporary_views_need_no_order(project: Project) -> None:
    """Two tasks that keep one log, and two that call their views alike, do not wait for each other."""
    for name in "ab":
        project.notebook(
            name,
            'df.write.mode("append").saveAsTable("log")\nspark.table("log")',
            'df.createOrReplaceTempView("work")\nspark.sql("SELECT * FROM work")',
        )
    project.tasks("a", "b")

    assert project.findings("table-order") == []


def test_one_of_two_writers_is_waited_for(project: Project) -> None:
    """The other one is a warning: its rows may or may not be there."""
    project.notebook("a", 'df.write.saveAsTable("raw")')
    project.notebook("b", 'df.write.insertInto("raw")')
    project.notebook("c", 'spark.table("raw")')
    project.tasks("a", "b", "c", c="a")

    assert [severity for severity, _, _ in project.places("table-order")] == ["warning"]


BRANCHES = """
- task_key: full
  condition_task: {{op: EQUAL_TO, left: "{{{{job.parameters.mode}}}}", right: full}}
- task_key: writer
  depends_on: [{{task_key: full, outcome: "true"}}]
  notebook_task: {{notebook_path: ./notebooks/writer.py}}
- task_key: between
  depends_on: [{{task_key: full, outcome: "false"}}]
  notebook_task: {{notebook_path: ./notebooks/between.py}}
- task_key: reader
  depends_on: {depends_on}
  notebook_task: {{notebook_path: ./notebooks/reader.py}}
"""


@pytest.mark.parametrize(
    ("depends_on", "found"),
    [
        ('[{task_key: full, outcome: "false"}]', []),
        ("[{task_key: full, outcome: false}]", []),
        ("[{task_key: between}]", []),
        ('[{task_key: full, outcome: "true"}]', ["error"]),
        ("[{task_key: full}]", ["error"]),
        ("[{task_key: between}]\n  run_if: ALL_DONE", ["error"]),
        ("[{task_key: between}, {task_key: full}]", []),
        ("[{task_key: between}, {task_key: full}]\n  run_if: NONE_FAILED", ["error"]),
    ],
)
def test_ways_that_a_condition_parts_never_meet(project: Project, depends_on: str, found: list[str]) -> None:
    """A task that runs only when the writer does not need not wait for it, also when others stand between."""
    project.notebook("writer", 'df.write.saveAsTable("raw")')
    project.notebook("between", "print(1)")
    project.notebook("reader", 'spark.table("raw")')
    project.job(BRANCHES.format(depends_on=depends_on))

    assert [severity for severity, _, _ in project.places("table-order")] == found


@pytest.mark.parametrize(
    "asked",
    [
        'dbutils.jobs.taskValues.get(taskKey="b", key="rows", default=0, debugValue=0)',
        'dbutils.jobs.taskValues.get("b", "rows", "none")',
        'dbutils.jobs.taskValues.get("b", "rows", default=fallback)',
        'try:\n    n = dbutils.jobs.taskValues.get("b", "rows")\nexcept ValueError:\n    n = 0',
    ],
)
def test_a_task_value_that_may_be_missing(project: Project, asked: str) -> None:
    """A default, or somebody who catches the error, is an answer."""
    project.notebook("a", asked)
    project.notebook("b", "print(1)")
    project.tasks("a", "b")

    assert project.findings("task-value") == []


@pytest.mark.parametrize("default", ["", ", default=None", ", debugValue=0"])
def test_a_task_value_without_a_default(project: Project, default: str) -> None:
    """`debugValue` counts outside of jobs only, and None is no default."""
    project.notebook("a", f'dbutils.jobs.taskValues.get("b", "rows"{default})')
    project.notebook("b", "print(1)")
    project.tasks("a", "b")

    assert project.places("task-value") == [("error", "notebooks/a.py:3", "b")]


def test_streams_run_side_by_side(project: Project) -> None:
    """A stream that reads what another task writes is a warning, in a continuous job nothing."""
    project.notebook("a", 'df.writeStream.toTable("raw")')
    project.notebook("b", 'spark.readStream.table("raw")')
    bundle = project.tasks("a", "b")
    before = project.places("table-order")
    bundle.write_text(bundle.read_text().replace("      name: etl", "      name: etl\n      continuous: {}"))
    bundle.write_text(bundle.read_text().replace("continuous: {}", "continuous: {pause_status: UNPAUSED}"))

    assert [severity for severity, _, _ in before] == ["warning"]
    assert project.findings("table-order") == []


def test_the_tables_of_other_parameters_are_other_tables(project: Project) -> None:
    """One notebook, called twice with different parameters, works on two tables."""
    project.notebook(
        "copy", 't = dbutils.widgets.get("table")\nspark.table(f"raw_{t}").write.saveAsTable(f"clean_{t}")'
    )
    task = "- task_key: {0}\n  notebook_task: {{notebook_path: notebooks/copy.py, base_parameters: {{table: {0}}}}}\n"
    project.notebook("reader", 'spark.table("clean_a")')
    project.job(
        task.format("a")
        + task.format("b")
        + "- task_key: reader\n  depends_on: [{task_key: a}]\n  notebook_task: {notebook_path: ./notebooks/reader.py}"
    )

    assert project.verdict().findings == ()


def test_the_tables_of_sql_files(project: Project) -> None:
    """A SQL task is read like a notebook."""
    project.write("sql/write.sql", "CREATE OR REPLACE TABLE {{schema}}.t AS SELECT 1")
    project.notebook("reader", 'spark.table("main.gold.t")')
    project.job(
        "- task_key: writer\n  sql_task: {file: {path: ./sql/write.sql}, warehouse_id: w, parameters: {schema: gold}}\n"
        "- task_key: reader\n  notebook_task: {notebook_path: ./notebooks/reader.py}"
    )

    assert [subject for _, _, subject in project.places("table-order")] == ["main.gold.t"]


def test_a_table_that_is_a_slip_of_another(project: Project) -> None:
    """Nobody writes it, and somebody writes one that is called nearly the same: a warning, for it may be there."""
    project.notebook("write", "df.write.saveAsTable('main.default.stg_posts')")
    project.notebook("read", "spark.table('main.default.stg_post')")
    project.tasks("write", "read", read="write")

    (found,) = project.findings("table-known")

    assert (str(found.severity), found.place.shown(project.root)) == ("warning", "notebooks/read.py:3")
    assert found.hint == "did you mean stg_posts?"


@pytest.mark.parametrize(
    "table",
    ["main.default.stg_posts2", "main.bronze.stg_post", "main.default.customers", "main.default.raw_posts"],
    ids=["a number", "another schema", "another name", "another word"],
)
def test_a_table_from_elsewhere(project: Project, table: str) -> None:
    """Sources that no notebook writes are no mistake."""
    project.notebook("write", "df.write.saveAsTable('main.default.stg_posts')")
    project.notebook("read", f"spark.table('{table}')")
    project.notebook("both", "spark.table('main.default.stg_posts')\nspark.table('main.default.stg_post')")
    project.tasks("write", "read", "both", read="write", both="write")

    assert project.findings("table-known") == []


def test_task_values_are_asked_of_tasks_that_have_ended(project: Project) -> None:
    """A task that is not waited for, and one that is none."""
    project.notebook("a", 'dbutils.jobs.taskValues.set(key="n", value=1)')
    project.notebook("b", 'n = dbutils.jobs.taskValues.get(taskKey="a", key="n")')
    project.notebook("c", 'n = dbutils.jobs.taskValues.get("aa", "n")')
    project.notebook("d", 'n = dbutils.jobs.taskValues.get(taskKey="a", key="n")')
    bundle = project.tasks("a", "b", "c", "d", d="a")
    condition = "{op: EQUAL_TO, left: '{{tasks.a.values.n}}', right: '1'}"
    bundle.write_text(bundle.read_text() + f"        - task_key: e\n          condition_task: {condition}\n")

    assert project.places("task-value") == [
        ("error", "databricks.yml:23", "a"),
        ("error", "notebooks/b.py:3", "a"),
        ("error", "notebooks/c.py:3", "aa"),
    ]


def test_tasks_that_the_workspace_does_not_execute(project: Project) -> None:
    """By the kind that repeats, not that which is repeated; notebooks and conditions are executed."""
    project.notebook("a", "print(1)")
    project.job(
        """
        - task_key: a
          notebook_task: {notebook_path: ./notebooks/a.py}
        - task_key: big
          condition_task: {op: EQUAL_TO, left: "1", right: "1"}
        - task_key: each
          for_each_task:
            inputs: "[1]"
            task: {task_key: one, notebook_task: {notebook_path: ./notebooks/a.py}}
        - task_key: wheel
          python_wheel_task: {package_name: p, entry_point: e}
        """
    )

    assert [(severity, subject) for severity, _, subject in project.places("task-executed")] == [
        ("warning", "etl/each"),
        ("warning", "etl/wheel"),
    ]
    assert "is a for_each_task" in project.findings("task-executed")[0].message
