"""The contract with the Airflow provider: its real hooks, operators and triggers, under both Airflows."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sandbox.databricks_stub.routes import ROUTES
from tests.integration.databricks_stub.conftest import TOKEN, WorkspaceProcess
from tests.interpreters import interpreter

AIRFLOWS = ("airflow-3.0.2-py3.11", "airflow-3.3.2-py3.12")

NOT_ROUTED = {
    "INSTALL_LIBS_ENDPOINT": "libraries of clusters: there are no clusters here",
    "UNINSTALL_LIBS_ENDPOINT": "libraries of clusters: there are no clusters here",
    "DELETE_REPO_ENDPOINT": "a path without the id that follows: repos/{repo_id} is routed",
    "UPDATE_REPO_ENDPOINT": "a path without the id that follows: repos/{repo_id} is routed",
    "LIST_PIPELINES_ENDPOINT": "declarative pipelines are not faked",
}


@pytest.fixture(params=AIRFLOWS)
def airflow(request: pytest.FixtureRequest) -> str:
    """One of the supported Airflow runtimes."""
    return str(request.param)


def ask(airflow: str, scenario: str, home: Path, workspace: WorkspaceProcess | None = None) -> dict[str, Any]:
    """The answer of a scenario of provider_client.py."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__SECRETS__USE_CACHE": "False",
    }
    if workspace is not None:
        environment["AIRFLOW_CONN_DATABRICKS_CONN"] = json.dumps(
            {
                "conn_type": "databricks",
                "host": "127.0.0.1",
                "port": workspace.port,
                "schema": "http",
                "password": TOKEN,
            }
        )
    answer = subprocess.run(
        [interpreter(airflow), Path(__file__).with_name("provider_client.py"), scenario],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    lines = [line for line in answer.stdout.splitlines() if line.startswith("ANSWER ")]
    assert lines, answer.stdout[-3000:] + answer.stderr[-3000:]
    found: dict[str, Any] = json.loads(lines[-1].removeprefix("ANSWER "))
    return found


def test_every_endpoint_of_the_provider_is_routed_or_listed(airflow: str, tmp_path: Path) -> None:
    """A new version of the provider that calls something else fails here first."""
    routed = {(route.method, f"{version}{route.path}") for route in ROUTES for version in route.api_versions}
    paths = {path for _, path in routed}

    missing = {
        name
        for name, value in ask(airflow, "endpoints", tmp_path).items()
        if (value not in paths if isinstance(value, str) else tuple(value) not in routed)
    }

    assert missing <= NOT_ROUTED.keys()


def test_the_hook(airflow: str, workspace: WorkspaceProcess, tmp_path: Path) -> None:
    """Jobs by name, runs, outputs, statements, cancelling, the connection's test."""
    answer = ask(airflow, "hook", tmp_path, workspace)

    assert answer["test_connection"] == [True, "Connection successfully tested"]
    assert answer["job_id"] == workspace.job_id("medallion")
    assert answer["none"] is None
    assert answer["state"] == "SUCCESS"
    assert answer["page"].startswith(f"{workspace.url}/jobs/{answer['job_id']}/runs/")
    assert answer["output"] == "{'day': '2024-03-03'}"
    assert answer["latest_repair_id"] is None
    assert answer["statement"] == "SUCCEEDED"
    assert answer["cancelled"] == "CANCELED"
    assert answer["jobs"] == 4


def test_the_operators(airflow: str, workspace: WorkspaceProcess, tmp_path: Path) -> None:
    """Waiting and deferrable; a failed job fails the Airflow task with the notebook's error."""
    answer = ask(airflow, "operators", tmp_path, workspace)

    for name in ("run_now", "deferrable", "submit"):
        assert "error" not in answer[name], answer[name]
        assert answer[name]["run_page_url"].startswith(workspace.url)
    assert answer["deferrable"]["deferred"] is True
    for name in ("failing", "failing_deferrable", "repaired"):
        assert "ValueError: a bad day" in answer[name]["error"]
        assert "Task fail_here failed with message" in answer[name]["error"]
    assert "no such job" in answer["unknown"]["error"]
    assert workspace.started().count("fail_here") == 4
