"""The rules about jobs, tasks and notebooks: each with the mistake that it catches and one that is none."""

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


def test_what_a_dag_passes_may_be_read_by_what_cannot_be_followed(project: Project) -> None:
    """A wheel may read any parameter."""
    project.job("- task_key: w\n  python_wheel_task: {package_name: x, entry_point: y}")
    project.dag(databricks={"job_name": "etl", "job_parameters": {"day": "1"}})

    assert project.findings("job-parameters") == []


def test_a_missing_notebook(project: Project) -> None:
    """The line is that of notebook_path, the hint the file that it nearly is."""
    project.notebook("silver", "print(1)")
    project.job("- task_key: silver\n  notebook_task:\n    notebook_path: ./notebooks/sliver.py")

    assert project.places("notebook-exists") == [("error", "databricks.yml:10", "./notebooks/sliver.py")]
    assert project.findings("notebook-exists")[0].hint == "did you mean silver.py?"


def test_notebooks_that_are_found(project: Project) -> None:
    """Without a suffix, under the workspace's path, from an included file, in a for-each task, from Git."""
    project.notebook("a", "%run ./b", "dbutils.notebook.run('./b', 60)")
    project.notebook("b", "print(1)")
    project.write(
        "jobs/more.yml",
        """
        resources:
          jobs:
            more:
              tasks:
                - task_key: relative
                  notebook_task: {notebook_path: ../notebooks/a}
                - task_key: each
                  for_each_task:
                    inputs: "[1]"
                    task:
                      task_key: inner
                      notebook_task: {notebook_path: "${workspace.file_path}/notebooks/b"}
                - task_key: git
                  notebook_task: {notebook_path: anywhere/else, source: GIT}
        """,
    )
    project.write("databricks.yml", "bundle: {name: test}\ninclude: [jobs/*.yml]\n")

    verdict = project.verdict()

    assert [finding.rule for finding in verdict.findings] == ["task-executed"]


def test_a_notebook_that_another_one_names(project: Project) -> None:
    """%run and dbutils.notebook.run are followed: error where it is missing, warning where it is outside."""
    project.notebook("a", "%run ./shraed", "dbutils.notebook.run('gone', 60)", "%run /Workspace/Users/me/x")
    project.notebook("shared", "print(1)")
    project.tasks("a")

    assert project.places("notebook-exists") == [
        ("error", "notebooks/a.py:3", "./shraed"),
        ("error", "notebooks/a.py:7", "gone"),
        ("warning", "notebooks/a.py:11", "/Workspace/Users/me/x"),
    ]


def test_absolute_paths_lead_to_the_project(project: Project) -> None:
    """As in the workspace: the folders of users and repositories stand for it, a bundle may lie deeper."""
    project.notebook("shared", "print(1)")
    project.notebook(
        "a", "%run /Workspace/Repos/me/repo/notebooks/shared", "dbutils.notebook.run('/Shared/nowhere/x', 1)"
    )
    project.write(
        "deploy/databricks.yml",
        """
        bundle: {name: test}
        resources:
          jobs:
            etl:
              tasks:
                - task_key: a
                  notebook_task: {notebook_path: /Workspace/Users/me/notebooks/a}
        """,
    )
    project.write("sandbox.toml", '[project]\nbundle = "deploy/databricks.yml"\n[databricks]\ncatalog = "main"\n')
    for path in ("/Repos/me/repo/notebooks/a", "/Repos/me/repo/notebooks/b"):
        project.dag(path[-1], databricks={"notebook_path": path})

    assert [subject for _, _, subject in project.places("notebook-exists")] == [
        "/Repos/me/repo/notebooks/b",
        "/Shared/nowhere/x",
    ]


def test_a_notebook_that_does_not_parse(project: Project) -> None:
    """The line is that of the file; an included notebook is named once, however many include it."""
    project.notebook("a", "%run ./c", "x = 1\nif x\n    pass")
    project.notebook("b", "%run ./c")
    project.notebook("c", "return 1")
    project.tasks("a", "b")

    assert [place for _, place, _ in project.places("notebook-parses")] == ["notebooks/a.py:8", "notebooks/c.py:3"]


def test_a_file_that_is_no_notebook(project: Project) -> None:
    """A Python module without the header is none."""
    project.write("notebooks/a.py", "print(1)\n")
    project.tasks("a")

    assert "is no notebook" in project.findings("notebook-parses")[0].message


def test_magics_are_no_mistake(project: Project) -> None:
    """What IPython understands is not held against a notebook."""
    project.notebook(
        "a",
        "%pip install x",
        "!ls\nfiles = !ls\nspark?\nawait f()",
        "# MAGIC %sql\n# MAGIC SELECT 1",
        "# MAGIC %sh ls (",
        "# MAGIC %md-sandbox\n# MAGIC <div>",
        "# MAGIC %fs\n# MAGIC ls /tmp/x",
    )
    path = project.root / "notebooks" / "a.py"
    path.write_text(path.read_text() + "\n# COMMAND ----------\n\n  x = 1\n  y = 2\n")
    project.tasks("a")

    assert project.verdict().findings == ()


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
    ["main.default.stg_posts2", "main.bronze.stg_post", "main.default.customers"],
    ids=["a number", "another schema", "another name"],
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
        ("error", "databricks.yml:22", "a"),
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
