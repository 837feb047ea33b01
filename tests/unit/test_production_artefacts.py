"""dags/, notebooks/ and databricks.yml: production's own, and wired to each other."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DAGS = sorted((ROOT / "dags").rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))
BUNDLE: dict[str, Any] = yaml.safe_load((ROOT / "databricks.yml").read_text(encoding="utf-8"))
JOB = BUNDLE["resources"]["jobs"]["medallion"]
TASKS = {task["task_key"]: task for task in JOB["tasks"]}


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [*DAGS, *NOTEBOOKS, ROOT / "databricks.yml"], ids=short)
@pytest.mark.parametrize("word", ["sandbox", "localhost", "127.0.0.1", "4566", "localstack"])
def test_production_does_not_know_where_it_is_rehearsed(path: Path, word: str) -> None:
    """What runs here is what runs there."""
    assert word not in path.read_text(encoding="utf-8").lower()


@pytest.mark.parametrize("path", DAGS, ids=short)
def test_no_dag_file_names_a_bucket_or_a_secret(path: Path) -> None:
    """Both are settings, read when a task runs."""
    text = path.read_text(encoding="utf-8")

    assert not re.search(r"s3://[a-z]", text)
    assert not re.search(r"(?i)(password|secret_key|token)\s*=\s*['\"][^{]", text)


@pytest.mark.parametrize("path", sorted((ROOT / "dags").glob("*.py")), ids=short)
def test_a_dag_file_reads_nothing_when_it_is_parsed(path: Path) -> None:
    """The dag-processor parses it every few seconds: no Variable, no connection, no S3 outside of functions."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        calls = {ast.unparse(call.func) for call in ast.walk(node) if isinstance(call, ast.Call)}
        assert not {call for call in calls if re.search(r"Variable|Hook|boto3|httpx|open$", call)}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=short)
def test_notebooks_are_in_the_source_format(path: Path) -> None:
    """With the first line by which Databricks knows a notebook, and Python in every cell that is not a magic."""
    text = path.read_text(encoding="utf-8")

    assert text.startswith("# Databricks notebook source\n")
    ast.parse(text)


def test_every_task_has_its_notebook() -> None:
    """And every notebook is a task, or run by one."""
    used = {task["notebook_task"]["notebook_path"] for task in TASKS.values()}
    included = {
        f"./notebooks/{name}.py"
        for path in NOTEBOOKS
        for name in re.findall(r"# MAGIC %run \./(\w+)", path.read_text(encoding="utf-8"))
    }

    assert used | included == {f"./notebooks/{path.name}" for path in NOTEBOOKS}


def test_the_job_is_the_one_that_the_dag_runs() -> None:
    """By name, with parameters that the job has."""
    dag = (ROOT / "dags" / "trigger_databricks_workflow_dag.py").read_text(encoding="utf-8")
    passed = {
        str(key.value)
        for node in ast.walk(ast.parse(dag))
        if isinstance(node, ast.keyword) and node.arg == "job_parameters" and isinstance(node.value, ast.Dict)
        for key in node.value.keys
        if isinstance(key, ast.Constant)
    }

    assert f'JOB_NAME = "{JOB["name"]}"' in dag
    assert passed == {"snapshot", "posts_path", "users_path"}
    assert passed <= {parameter["name"] for parameter in JOB["parameters"]}


def test_every_parameter_is_read_and_every_widget_passed() -> None:
    """A typo in a widget's name would otherwise show in production first."""
    parameters = {parameter["name"] for parameter in JOB["parameters"]}
    read: set[str] = set()
    for path in NOTEBOOKS:
        text = path.read_text(encoding="utf-8")
        defined = set(re.findall(r'dbutils\.widgets\.text\("(\w+)"', text))
        got = set(re.findall(r"""dbutils\.widgets\.get\(["'](\w+)["']\)""", text))
        assert got == defined, path.name
        read |= got

    assert read == parameters


def test_tasks_wait_for_the_tables_that_they_read() -> None:
    """`depends_on` covers what one notebook writes and another reads."""
    written: dict[str, str] = {}
    reads: dict[str, set[str]] = {}
    for key, task in TASKS.items():
        text = (ROOT / task["notebook_task"]["notebook_path"]).read_text(encoding="utf-8")
        variables = dict(re.findall(r'^(\w+) = table_name\(catalog, schema, "(\w+)"\)', text, flags=re.MULTILINE))
        own = {variables[name] for name in re.findall(r"refresh\((\w+),", text)}
        written |= dict.fromkeys(own, key)
        reads[key] = set(variables.values()) - own

    def upstream(key: str) -> set[str]:
        direct = {entry["task_key"] for entry in TASKS[key].get("depends_on", [])}
        return direct | {further for task in direct for further in upstream(task)}

    for key, tables in reads.items():
        assert {written[table] for table in tables} <= upstream(key), key


def test_the_job_has_limits() -> None:
    """One run at a time, the next one waits, everything ends some day."""
    assert JOB["max_concurrent_runs"] == 1
    assert JOB["queue"] == {"enabled": True}
    assert JOB["timeout_seconds"] > 0
    assert all(task["timeout_seconds"] > 0 and "max_retries" in task for task in TASKS.values())
    assert set(BUNDLE["targets"]) == {"local", "staging", "prod"}


def test_the_default_is_production_s_volume() -> None:
    """/Volumes/projects/default/my_volume/."""
    defaults = {name: variable["default"] for name, variable in BUNDLE["variables"].items()}

    assert (defaults["catalog"], defaults["schema"], defaults["volume"]) == ("projects", "default", "my_volume")
