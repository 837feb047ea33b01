"""The DAG files under the Airflow of production and under the newest one, each in an interpreter of its own."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.interpreters import interpreter

ROOT = Path(__file__).resolve().parents[3]
ROWS = ["airflow-3.0.2-py3.11", "airflow-3.3.2-py3.12"]
PRODUCER = "produce_data_asset"
CONSUMER = "trigger_databricks_workflow_dag"


@pytest.fixture(scope="module", params=ROWS)
def parsed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one row's Airflow makes of the DAG folder."""
    home = tmp_path_factory.mktemp("airflow home")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    environment = kept | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__DATA_PLATFORM__DATABRICKS_POLLING_SECONDS": "3",
        "PYTHONDONTWRITEBYTECODE": "1",
        # as the dag-processor does for the folder of a bundle
        "PYTHONPATH": str(ROOT / "dags"),
    }
    done = subprocess.run(
        [interpreter(request.param), Path(__file__).with_name("parse.py"), ROOT / "dags"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_folder_has_two_dags_and_no_import_error(parsed: dict[str, Any]) -> None:
    """The shared modules are not taken for DAG files."""
    assert parsed["import_errors"] == {}
    assert sorted(parsed["dags"]) == [PRODUCER, CONSUMER]


def test_the_producer_ingests_before_it_publishes(parsed: dict[str, Any]) -> None:
    """Both assets come from the one task that makes the snapshot current."""
    dag = parsed["dags"][PRODUCER]

    assert dag["tasks"] == {
        "check_upstream": ["ingest_archive"],
        "ingest_archive": ["publish_snapshot"],
        "publish_snapshot": ["remove_old_snapshots"],
        "remove_old_snapshots": [],
    }
    assert dag["outlets"] == {"publish_snapshot": ["posts", "users"]}


def test_the_consumer_waits_for_both_assets(parsed: dict[str, Any]) -> None:
    """By addresses that both versions leave as they are."""
    assert parsed["dags"][CONSUMER]["assets"] == [
        "x-stack-exchange://dump/Posts.xml",
        "x-stack-exchange://dump/Users.xml",
    ]


def test_unpausing_the_producer_starts_nothing(parsed: dict[str, Any]) -> None:
    """The first dag_run is the next scheduled one, not the last one."""
    dag = parsed["dags"][PRODUCER]
    first_run = datetime.fromisoformat(dag["first_run"])

    assert dag["start_date"] is None
    assert dag["catchup"] is False
    assert datetime.now(UTC) - timedelta(minutes=1) < first_run < datetime.now(UTC) + timedelta(days=1, minutes=1)


@pytest.mark.parametrize("dag_id", [PRODUCER, CONSUMER])
def test_every_task_has_an_owner_retries_and_a_timeout(parsed: dict[str, Any], dag_id: str) -> None:
    """And a DAG never overtakes itself."""
    dag = parsed["dags"][dag_id]

    assert dag["owners"] == ["data-platform"]
    assert all(count >= 3 for count in dag["retries"].values())
    assert all(dag["timeouts"].values())
    assert dag["max_active_runs"] == 1


def test_the_job_is_told_what_the_events_carried(parsed: dict[str, Any]) -> None:
    """In a field that the provider of this row renders; without waiting in a worker, as often as configured."""
    assert set(parsed["job_parameters"]) == {"snapshot", "posts_path", "users_path"}
    assert all("triggering_asset_events" in value for value in parsed["job_parameters"].values())
    assert {"json", "job_parameters"} & set(parsed["templated"])
    assert parsed["deferrable"] is True
    assert parsed["polling"] == 3
