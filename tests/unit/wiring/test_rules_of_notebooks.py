"""The rules about notebooks that tasks, DAGs and notebooks name: found, parsed, no false alarm."""

from __future__ import annotations

import pytest

from tests.unit.wiring.conftest import Project


def test_a_missing_notebook(project: Project) -> None:
    """The line is that of notebook_path, the hint the file that it nearly is."""
    project.notebook("silver", "print(1)")
    project.job("- task_key: silver\n  notebook_task:\n    notebook_path: ./notebooks/sliver.py")

    assert project.places("notebook-exists") == [("error", "databricks.yml:10", "./notebooks/sliver.py")]
    assert project.findings("notebook-exists")[0].hint == "did you mean silver.py?"


def test_a_file_whose_name_is_no_notebooks(project: Project) -> None:
    """The workspace would not find it; a Python file or a SQL file that a task names may be called anything."""
    project.write("notebooks/a.txt", "# Databricks notebook source\n")
    project.write("notebooks/b.query", "SELECT 1\n")
    project.job(
        "- task_key: a\n  notebook_task:\n    notebook_path: ./notebooks/a.txt\n"
        "- task_key: b\n  sql_task:\n    file:\n      path: ./notebooks/b.query"
    )

    assert project.places("notebook-exists") == [("error", "databricks.yml:10", "./notebooks/a.txt")]
    assert "a.txt is no notebook" in project.findings("notebook-exists")[0].message


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
        "!ls\nfiles = !ls\nspark?\n?spark\nspark.read??\nawait f()",
        "# MAGIC %sql\n# MAGIC SELECT 1",
        "# MAGIC %sh ls (",
        "# MAGIC %md-sandbox\n# MAGIC <div>",
        "# MAGIC %fs\n# MAGIC ls /tmp/x",
    )
    path = project.root / "notebooks" / "a.py"
    path.write_text(path.read_text() + "\n# COMMAND ----------\n\n  x = 1\n  y = 2\n")
    project.tasks("a")

    assert project.verdict().findings == ()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("%run ./it's", "%run ./it's cannot be read: No closing quotation"),
        ("%run # nothing", "%run names no notebook"),
        ("%run", "%run names no notebook"),
    ],
)
def test_an_inclusion_that_names_nothing(project: Project, line: str, says: str) -> None:
    """The cell would fail; the check does not."""
    project.notebook("a", line)
    project.tasks("a")

    (found,) = project.findings("notebook-parses")
    assert (found.place.line, found.message) == (3, says)


@pytest.mark.parametrize(
    "text",
    [
        '{"cells": null}',
        '{"cells": [{"cell_type": "code"}]}',
        '{"cells": [{"cell_type": "code", "source": null}]}',
        '{"cells": [1], "metadata": null}',
    ],
)
def test_a_broken_ipynb_is_a_finding(project: Project, text: str) -> None:
    """Whatever is missing in it."""
    project.write("notebooks/a.ipynb", text)
    project.job("- task_key: a\n  notebook_task: {notebook_path: ./notebooks/a.ipynb}")

    (found,) = project.findings("notebook-parses")
    assert found.message.startswith("it is no notebook: its cell")


MAGIC_LOOKS = {
    "a text": 'USAGE = """\n%run ./helpers $x="1"\n!ls\n"""\nprint(USAGE)',
    "a text beside a magic": '%pip install x\nUSAGE = """ it\'s\n%run ./helpers\n"""',
    "a text in apostrophes": "!ls\nUSAGE = '''\n%run ./helpers \"\n'''",
    "a remainder": "!ls\nx = (5\n    %3)\ny = 7 \\\n    %3",
    "a comment with a quote": '!ls\nx = 1  # it\'s\n# """ no text\n!ls',
    "escapes": '!ls\nx = "a\\"b"\ny = \'\\\\\'\n!ls',
    "a text that goes on": "!ls\nx = 'a \\\n%run ./helpers'",
    "a magic that goes on": "%pip install \\\n    a \\\n    b\nx = 1",
    "an indented magic": "if True:\n    %pip install a\n    x = !ls",
}


@pytest.mark.parametrize("code", MAGIC_LOOKS.values(), ids=MAGIC_LOOKS)
def test_what_looks_like_a_magic(project: Project, code: str) -> None:
    """Only where a statement could begin a line is IPython's."""
    project.notebook("a", code)
    project.tasks("a")

    assert project.verdict().findings == ()


def test_an_inclusion_beside_python(project: Project) -> None:
    """Also below an `if`, and over two lines."""
    project.notebook("a", "x = 1\nif x:\n    %run ./b $y=1\n%run \\\n    ./c")
    project.notebook("b", "print(1)")
    project.tasks("a")

    assert project.places("notebook-exists") == [("error", "notebooks/a.py:6", "./c")]
