"""The DAG files as the cell's Airflow sees them: what they define, and what they do while they are imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.clients.airflow import AirflowClient
from sandbox.testing.handle import RunningSandbox
from tests.cell.interpreter import AirflowPython
from tests.driver import Cli

TASKS = {
    "produce_data_asset": {
        "check_upstream": ["ingest_archive"],
        "ingest_archive": ["publish_snapshot"],
        "publish_snapshot": ["remove_old_snapshots"],
        "remove_old_snapshots": [],
    },
    "trigger_databricks_workflow_dag": {"run_medallion": []},
}
"""Histories, links and dashboards depend on these ids."""
EDITED = """from airflow.sdk import dag, task
from cell_names import TASK


@dag
def cell_edited():
    @task(task_id=TASK)
    def work(): ...

    work()


cell_edited()
"""
IMPORT_SECONDS = 2.0
"""Airflow gives up after 30; a file that takes seconds, computing or waiting, delays every other one."""


@pytest.fixture(scope="module")
def validated(sandbox: RunningSandbox) -> Any:
    """What `sandbox validate --json` says."""
    settings = {"SANDBOX_PROJECT_DAGS": sandbox.context.config.project.dags}
    cli = Cli(project=Path(sandbox.context.paths.project), name=sandbox.name, env=settings)
    return cli("validate", "--json", expect=None).value


@pytest.fixture(scope="module")
def files(airflow_python: AirflowPython) -> dict[str, dict[str, Any]]:
    """Each DAG file of the project, imported alone by the cell's Airflow."""
    found: dict[str, dict[str, Any]] = airflow_python.ask("dag_facts.py", "FACTS ", airflow_python.dags)
    return found


@pytest.fixture(scope="module")
def dags(files: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The project's DAGs by id."""
    return {dag_id: dag for file in files.values() for dag_id, dag in file["dags"].items()}


def test_every_file_imports(validated: Any, files: dict[str, dict[str, Any]]) -> None:
    """Under this cell's Airflow and Python, with its provider: no error, no cycle, no id taken twice, no warning."""
    assert validated["import_errors"] == []
    assert validated["warnings"] == []
    assert {name: file["import_errors"] for name, file in files.items()} == {name: {} for name in files}


def test_the_ids_are_stable(dags: dict[str, dict[str, Any]]) -> None:
    """DAGs, tasks and their order."""
    found = {
        dag_id: {task_id: task["downstream"] for task_id, task in dag["tasks"].items()} for dag_id, dag in dags.items()
    }

    assert found == TASKS


def test_the_dag_processor_finds_the_same(sandbox: RunningSandbox, airflow_client: AirflowClient) -> None:
    """What an import finds is what Airflow runs."""
    sandbox.wait_for_dags(TASKS)

    known = {dag["dag_id"] for dag in airflow_client.dags()}

    assert {dag_id for dag_id in known if not dag_id.startswith("cell_")} == TASKS.keys()
    assert airflow_client.import_errors() == []


def test_the_wiring_holds(validated: Any) -> None:
    """Jobs, notebooks, widgets, tables, assets and connections fit together."""
    found = [each for each in validated["findings"] if not Path(each["file"]).name.startswith("cell_")]

    assert [f"{each['file']}:{each['line']}: {each['message']}" for each in found] == []


def test_importing_has_no_effects(files: dict[str, dict[str, Any]]) -> None:
    """No network, process, sleep, Variable, file written or read elsewhere: Airflow imports each file again and again.

    What `dag_facts.py` counts, with the line; a configuration in the DAG folder may be read.
    """
    assert {name: file["effects"] for name, file in files.items()} == {name: [] for name in files}


def test_importing_is_quick(files: dict[str, dict[str, Any]]) -> None:
    """Beyond Airflow's own modules."""
    assert {name: file["seconds"] for name, file in files.items() if file["seconds"] > IMPORT_SECONDS} == {}


@pytest.mark.parametrize("dag_id", TASKS)
def test_every_task_has_an_owner_retries_and_a_timeout(dags: dict[str, dict[str, Any]], dag_id: str) -> None:
    """Retries wait longer each time, and no task may run for ever."""
    for task_id, task in dags[dag_id]["tasks"].items():
        assert task["owner"] not in ("", "airflow"), task_id
        assert task["retries"] >= 3, task_id
        assert task["retry_delay_seconds"] >= 1, task_id
        assert task["backoff"], task_id
        assert task["timeout_seconds"], task_id
        assert task["timeout_seconds"] < dags[dag_id]["timeout_seconds"], task_id


@pytest.mark.parametrize("dag_id", TASKS)
def test_a_dag_never_overtakes_itself(dags: dict[str, dict[str, Any]], dag_id: str) -> None:
    """One dag_run at a time, none for days that have passed; tags and a description for whoever finds it."""
    dag = dags[dag_id]

    assert (dag["max_active_runs"], dag["catchup"]) == (1, False)
    assert dag["tags"]
    assert dag["documented"]


def test_an_edited_module_is_what_the_next_run_executes(sandbox: RunningSandbox) -> None:
    """Airflow parses a DAG anew when its own file changes; a run sees to it when a module does that it imports."""
    file, module = sandbox.context.dags / "cell_edited.py", sandbox.context.dags / "cell_names.py"
    file.write_text(EDITED)
    tasks = []
    try:
        for name in ("before", "after"):
            module.write_text(f'TASK = "{name}"\n')
            run = sandbox.run("cell_edited").dag_runs[0]
            tasks.append([task["task_id"] for task in run["tasks"]])
    finally:
        file.unlink()
        module.unlink()

    assert tasks == [["before"], ["after"]]
