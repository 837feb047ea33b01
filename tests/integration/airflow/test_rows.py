"""Airflow's rows and launchers: each becomes healthy, runs an asset pair, and survives the death of a component."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import follow, health
from sandbox.clients.databricks import DatabricksClient
from tests.driver import Cli, copy_project
from tests.interpreters import interpreter

pytestmark = [pytest.mark.slow]

PAIR = """
from airflow.sdk import Asset, dag, task

thing = Asset("thing", uri="x-test://thing")


@dag(schedule=None)
def produce():
    @task(outlets=[thing])
    def emit(*, outlet_events):
        outlet_events[thing].extra = {"rows": 3}

    emit()


@dag(schedule=[thing])
def consume():
    @task
    def take():
        print("taken")

    take()


produce()
consume()
"""
ROWS = {
    "3.0.2 plain": {"SANDBOX_AIRFLOW_LAUNCHER": "plain"},
    "3.3.2 prefork": {"SANDBOX_AIRFLOW_VERSION": "3.3.2", "SANDBOX_AIRFLOW_PYTHON": "3.12"},
}
RUNTIMES = {"3.0.2 plain": "airflow-3.0.2-py3.11", "3.3.2 prefork": "airflow-3.3.2-py3.12"}
PATIENCE_SECONDS = 90.0


@pytest.fixture(scope="module", params=[pytest.param(row, marks=pytest.mark.xdist_group(row)) for row in ROWS])
def cli(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """A sandbox on one row."""
    interpreter(RUNTIMES[request.param])
    project = copy_project(tmp_path_factory.mktemp("row") / "project")
    (project / "dags" / "pair.py").write_text(PAIR)
    cli = Cli(project=project, env=ROWS[request.param])
    try:
        cli("up")
        yield cli
    finally:
        cli("down", expect=None)


def run_pair(cli: Cli) -> follow.ChainState:
    airflow = cli.airflow
    databricks = DatabricksClient(cli.context.url("databricks"), token=cli.context.credentials.databricks_token)
    follow.prepare(airflow, "produce", cli.context.dags)
    chain = follow.Chain(airflow, databricks, "produce", follow.trigger(airflow, "produce", {}))
    seen: list[follow.ChainState] = []

    def complaint() -> str:
        seen[:] = [chain.look()]
        return "" if seen[0].finished else "the pair runs"

    health.wait_until(complaint, timeout_seconds=PATIENCE_SECONDS, interval_seconds=0.2)
    return seen[0]


def components(cli: Cli) -> dict[str, dict[str, Any]]:
    rows = json.loads((cli.paths.root / "airflow" / "components.json").read_text())["components"]
    return {row["name"]: row for row in rows}


def test_an_asset_event_starts_the_consumer(cli: Cli) -> None:
    """The producer's event, with its extra, starts the DAG that waits for the asset."""
    state = run_pair(cli)

    assert state.succeeded
    assert [run["dag_id"] for run in state.dag_runs] == ["produce", "consume"]
    assert state.assets == ({"uri": "x-test://thing", "extra": {"rows": 3}},)


def test_validate_names_every_dag(cli: Cli) -> None:
    """The DAG files of this repository import on every row, warm or cold."""
    dags = [dag["dag_id"] for dag in cli("validate", "--json").value["dags"]]

    assert {"produce_data_asset", "trigger_databricks_workflow_dag", "produce", "consume"} == set(dags)


def test_a_file_that_hangs_or_crashes_is_named(cli: Cli) -> None:
    """A DAG file that ends its interpreter is an error with its name, and the others are still reported."""
    crashing = cli.project / "dags" / "crashing.py"
    crashing.write_text("# airflow dag\nimport os\n\nos._exit(3)\n")

    done = cli("validate", expect=1)

    assert f"{crashing}:1: importing it ended the interpreter (exit code 3)" in done.err
    crashing.unlink()


@pytest.mark.parametrize("name", ["scheduler", "dag-processor", "triggerer", "api-server"])
def test_a_killed_component_comes_back(cli: Cli, name: str) -> None:
    """The launcher starts it again and says so; the service stays the same process, and a pair runs."""
    launcher = cli.state.services["airflow"].pid
    before = components(cli)[name]

    os.kill(before["pid"], signal.SIGKILL)
    health.wait_until(
        lambda: "" if components(cli)[name]["pid"] not in (None, before["pid"]) else "not yet",
        timeout_seconds=PATIENCE_SECONDS,
    )
    health.wait_until(
        lambda: "" if cli("status", expect=None).code == 0 else "not healthy yet", timeout_seconds=PATIENCE_SECONDS
    )

    assert components(cli)[name]["restarts"] == before["restarts"] + 1
    assert components(cli)[name]["last_exit"] == "killed by SIGKILL"
    assert cli.state.services["airflow"].pid == launcher
    assert run_pair(cli).succeeded


def test_nothing_listens_beyond_loopback(cli: Cli) -> None:
    """Every listening socket of the sandbox's processes is bound to 127.0.0.1."""
    import psutil

    from sandbox.supervisor import ownership

    listening = []
    for process in ownership.marked(cli.paths.instance_id):
        with contextlib.suppress(psutil.NoSuchProcess):  # a task's or a parser's process that has just ended
            connections = process.net_connections(kind="tcp")
            listening += [each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN]

    assert listening
    assert set(listening) == {"127.0.0.1"}


def test_state_files_are_private(cli: Cli) -> None:
    """What holds secrets can be read by its owner alone."""
    private = [cli.paths.credentials_file, cli.paths.launch_file, cli.paths.root / "airflow" / "passwords.json"]

    assert all(Path(file).stat().st_mode & 0o077 == 0 for file in private)
