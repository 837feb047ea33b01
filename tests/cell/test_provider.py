"""The contract with the cell's databricks provider: its operators and sensors in this Airflow, on the workspace."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.clients.airflow import AirflowClient
from sandbox.databricks_stub.routes import ROUTES
from sandbox.follow.chain import ChainState
from sandbox.testing.handle import RunningSandbox
from tests.cell.interpreter import AirflowPython
from tests.git import git

DAG_ID = "cell_databricks"
DAG_OF_REPOSITORIES = "cell_databricks_repos"
ECHO = """# Databricks notebook source
dbutils.widgets.text("word", "nothing")
dbutils.notebook.exit(dbutils.widgets.get("word"))
"""
NO_COPY_INTO = "COPY INTO is Databricks' own: the engine refuses it, and says what to do instead"
NOT_USED = {
    "DatabricksCopyIntoOperator": NO_COPY_INTO,
    "DatabricksCopyIntoAssetOperator": NO_COPY_INTO,
    "DatabricksTaskBaseOperator": "the base of two others",
}
"""Operators and sensors that the sandbox does not serve, with the reason."""
NOT_ROUTED = {
    "INSTALL_LIBS_ENDPOINT": "libraries of clusters: there are no clusters here",
    "UNINSTALL_LIBS_ENDPOINT": "libraries of clusters: there are no clusters here",
    "DELETE_REPO_ENDPOINT": "a path without the id that follows: repos/{repo_id} is routed",
    "UPDATE_REPO_ENDPOINT": "a path without the id that follows: repos/{repo_id} is routed",
    "LIST_PIPELINES_ENDPOINT": "declarative pipelines are not faked",
}
"""Endpoints of the provider that the workspace does not have, with the reason."""


@pytest.fixture(scope="module")
def facts(airflow_python: AirflowPython) -> dict[str, Any]:
    """What the installed provider has."""
    found: dict[str, Any] = airflow_python.ask("provider_facts.py", "FACTS ")
    return found


@pytest.fixture(scope="module")
def workspace(sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    """The workspace's API, with a notebook at /Shared/cell/echo."""
    headers = {"Authorization": f"Bearer {sandbox.environment['DATABRICKS_TOKEN']}"}
    with httpx.Client(base_url=sandbox.environment["DATABRICKS_HOST"], headers=headers, trust_env=False) as client:
        client.post("/api/2.0/workspace/mkdirs", json={"path": "/Shared/cell"}).raise_for_status()
        notebook = {"path": "/Shared/cell/echo", "language": "PYTHON", "format": "SOURCE", "overwrite": True}
        upload = {**notebook, "content": _base64(ECHO)}
        client.post("/api/2.0/workspace/import", json=upload).raise_for_status()
        yield client


def _base64(text: str) -> str:
    import base64

    return base64.b64encode(text.encode()).decode()


def _make_repository(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "notebooks").mkdir(parents=True)
    (folder / "notebooks" / "echo.py").write_text(ECHO)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "one")
    git(folder, "tag", "v1")


@pytest.fixture(scope="module")
def chain_of_all(sandbox: RunningSandbox, workspace: httpx.Client) -> ChainState:
    """The DAG with a task for each operator, run to its end; on Kubernetes each task is a pod."""
    return sandbox.run(DAG_ID, check=False, limit_seconds=480)


def test_every_operator_succeeds(sandbox: RunningSandbox, chain_of_all: ChainState) -> None:
    """Waiting and deferrable, against jobs, runs, notebooks, workflows, statements, warehouses, SQL."""
    states = {task["task_id"]: task["state"] for task in chain_of_all.dag_runs[0]["tasks"]}

    assert len(states) >= 26
    assert {name: state for name, state in states.items() if state != "success"} == {}, sandbox.why(chain_of_all)


def test_git_folders(sandbox: RunningSandbox, workspace: httpx.Client) -> None:
    """Cloned, run from, moved and removed; where the workspace has no git, as in a container, that is what it says."""
    if sandbox.context.config.backend != "process":
        clone = {"url": "https://git.example.com/team/own.git", "provider": "gitHub", "path": "/Repos/cell/own"}
        answer = workspace.post("/api/2.0/repos", json=clone)
        assert "git is not on the workspace's PATH" in answer.text
        return
    _make_repository(sandbox.context.paths.root / "airflow" / "cell-repository")

    chain = sandbox.run(DAG_OF_REPOSITORIES, check=False)

    states = {task["task_id"]: task["state"] for task in chain.dag_runs[0]["tasks"]}
    wanted = ("repos_create", "repos_run", "repos_update", "repos_delete")
    assert states == dict.fromkeys(wanted, "success"), sandbox.why(chain)


def test_the_hook_knows_the_job(airflow_client: AirflowClient, chain_of_all: ChainState) -> None:
    """The connection's test, jobs by name, the list of jobs."""
    run_id = chain_of_all.dag_runs[0]["run_id"]

    answer = airflow_client.xcom(DAG_ID, run_id, "ask_the_hook", "return_value")

    assert answer == {"connected": True, "by_name": True, "listed": True, "unknown": True}


def test_the_sql_hook_has_typed_rows_and_the_engine_s_errors(
    airflow_client: AirflowClient, chain_of_all: ChainState
) -> None:
    """Through databricks-sql-connector: the connection's test, values of each kind, an error with its class."""
    run_id = chain_of_all.dag_runs[0]["run_id"]

    answer = airflow_client.xcom(DAG_ID, run_id, "ask_the_sql_hook", "return_value")

    assert answer["connected"] is True
    assert answer["first"] == ["1", "'one'", "datetime.date(2024, 1, 1)", "Decimal('1.50')", "None", "True"]
    assert answer["session"] == ["default", "7"]
    assert "[TABLE_OR_VIEW_NOT_FOUND]" in answer["error"]
    assert "COPY INTO is Databricks' own" in answer["copy"]


def test_parameters_reach_the_notebook(workspace: httpx.Client, chain_of_all: ChainState) -> None:
    """What the operator was given is what the notebook ended with."""
    runs = [run for run in chain_of_all.job_runs if run["triggered_by"]["task_id"] == "run_now_by_name_waiting"]
    task_run = runs[0]["tasks"][0]["run_id"]

    output = workspace.get("/api/2.2/jobs/runs/get-output", params={"run_id": task_run}).raise_for_status().json()

    assert output["notebook_output"]["result"] == "now"


def test_each_operator_of_the_provider_is_used_or_listed(sandbox: RunningSandbox, facts: dict[str, Any]) -> None:
    """One that a new version of the provider brings fails here first."""
    headers = {"Authorization": f"Bearer {sandbox.environment['AIRFLOW_API_TOKEN']}"}
    used = set()
    for dag_id in (DAG_ID, DAG_OF_REPOSITORIES):
        url = f"{sandbox.environment['AIRFLOW_API_URL']}/dags/{dag_id}/tasks"
        answer = httpx.get(url, headers=headers, trust_env=False).raise_for_status().json()
        used |= {task["class_ref"]["class_name"] for task in answer["tasks"]}

    assert set(facts["classes"]) - used - NOT_USED.keys() == set()
    assert used & NOT_USED.keys() == set()


def test_each_endpoint_of_the_provider_is_routed_or_listed(facts: dict[str, Any]) -> None:
    """A new version of the provider that calls something else fails here first."""
    routed = {(route.method, f"{version}{route.path}") for route in ROUTES for version in route.api_versions}
    paths = {path for _, path in routed}

    missing = {
        name
        for name, value in facts["endpoints"].items()
        if (value not in paths if isinstance(value, str) else tuple(value) not in routed)
    }

    assert missing - NOT_ROUTED.keys() == set()


def test_the_provider_is_the_cell_s(sandbox: RunningSandbox, facts: dict[str, Any]) -> None:
    """The version that the settings ask for is the one that was imported."""
    wanted = sandbox.context.config.airflow.providers.get("databricks")

    assert wanted in (None, facts["version"])
