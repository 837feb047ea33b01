"""The DAG files as the cell's Airflow sees them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.clients.airflow import AirflowClient
from sandbox.follow.start import prepare
from sandbox.testing.handle import RunningSandbox
from tests.driver import Cli

DAG_IDS = ["produce_data_asset", "trigger_databricks_workflow_dag"]


@pytest.fixture(scope="module")
def validated(sandbox: RunningSandbox) -> Any:
    """What `sandbox validate --json` says."""
    cli = Cli(project=Path(sandbox.context.paths.project), name=sandbox.name)
    return cli("validate", "--json", expect=None).value


def test_every_file_imports(validated: Any) -> None:
    """Under this cell's Airflow and Python, with its provider."""
    assert validated["import_errors"] == []
    assert validated["warnings"] == []


def test_the_ids_are_stable(validated: Any, airflow_client: AirflowClient) -> None:
    """Histories and links depend on the DAGs' ids; the dag-processor finds the same ones."""
    for dag_id in DAG_IDS:
        prepare(airflow_client, dag_id)

    assert [dag["dag_id"] for dag in validated["dags"]] == DAG_IDS
    assert [dag["dag_id"] for dag in airflow_client.dags()] == DAG_IDS
    assert airflow_client.import_errors() == []


def test_the_wiring_holds(validated: Any) -> None:
    """Jobs, notebooks, widgets, tables, assets and connections fit together."""
    assert [f"{each['file']}:{each['line']}: {each['message']}" for each in validated["findings"]] == []
