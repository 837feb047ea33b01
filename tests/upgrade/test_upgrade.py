"""A sandbox with a history moves to a newer Airflow: the history is there, and the pipeline goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox.runtimes.registry import RUNTIMES
from sandbox.testing.handle import RunningSandbox
from tests.driver import Cli, copy_project
from tests.truth import Truth, of_archive

DAG_IDS = ("produce_data_asset", "trigger_databricks_workflow_dag")


def rows() -> list[tuple[str, str]]:
    """Airflow's version and Python of each row, oldest first."""
    names = [spec.name.removeprefix("airflow-").split("-py") for spec in RUNTIMES.values() if spec.is_row]
    return sorted(((version, python) for version, python in names), key=lambda row: _numbers(row[0]))


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def settings(row: tuple[str, str], *, providers: str = "{}") -> dict[str, str]:
    return {
        "SANDBOX_AIRFLOW_VERSION": row[0],
        "SANDBOX_AIRFLOW_PYTHON": row[1],
        "SANDBOX_AIRFLOW_PROVIDERS": providers,
    }


@pytest.fixture(scope="module")
def moved(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A sandbox that ran the pipeline on an older row and is up on a newer one; one of them is the cell's.

    The cell's row is the newer one, and where nothing is older, the older one of the newest.
    """
    config = sandbox.context.config
    if config.backend != "process":
        pytest.skip(f"another Airflow's history is taken over on the process backend, not on {config.backend}")
    own = (config.airflow.version, config.airflow.python)
    oldest, newest = rows()[0], rows()[-1]
    older, newer = (own, newest) if own[0] == oldest[0] else (oldest, own)
    project: Path = copy_project(tmp_path_factory.mktemp("upgrade") / "project")
    before = Cli(project=project, name="upgrade", env=settings(older))
    after = replace(before, env=settings(newer))
    try:
        before("up")
        first = before("run", "--json").value
        history = {dag_id: before.airflow.dag_runs(dag_id) for dag_id in DAG_IDS}
        after("up")
        yield {"first": first, "history": history, "before": before, "after": after}
    finally:
        after("down", expect=None)


@pytest.fixture(scope="module")
def truth(moved: dict[str, Any]) -> Truth:
    """What the tables must hold."""
    return of_archive(moved["after"].paths.archives / "sample.stackexchange.com.7z")


def test_the_history_is_complete(moved: dict[str, Any]) -> None:
    """Each dag_run with its id, state, times and conf."""
    for dag_id, expected in moved["history"].items():
        found = {run["dag_run_id"]: run for run in moved["after"].airflow.dag_runs(dag_id)}
        for run in expected:
            same = {name: found[run["dag_run_id"]][name] for name in ("state", "start_date", "end_date", "conf")}
            assert same == {name: run[name] for name in same}


def test_old_tasks_keep_their_states_and_logs(moved: dict[str, Any]) -> None:
    """The newer Airflow shows what the older one's tasks wrote."""
    run = moved["first"]["dag_runs"][0]
    airflow = moved["after"].airflow

    tasks = {task["task_id"]: task for task in airflow.task_instances(run["dag_id"], run["run_id"])}
    log = airflow.task_log(run["dag_id"], run["run_id"], "ingest_archive", tasks["ingest_archive"]["try_number"])

    assert {name: task["state"] for name, task in tasks.items()} == {
        task["task_id"]: task["state"] for task in run["tasks"]
    }
    assert len(log.lines) > 1


def test_old_events_are_not_taken_twice(moved: dict[str, Any]) -> None:
    """The upgrade itself starts nothing."""
    runs = moved["after"].airflow.dag_runs(DAG_IDS[1])

    assert [run["dag_run_id"] for run in runs] == [run["dag_run_id"] for run in moved["history"][DAG_IDS[1]]]


def test_the_pipeline_goes_on(moved: dict[str, Any], truth: Truth) -> None:
    """The whole chain on the newer Airflow, without unpausing anything; the tables hold what they must."""
    paused = [dag["dag_id"] for dag in moved["after"].airflow.dags() if dag["is_paused"]]

    result = moved["after"]("run", "--json").value

    assert paused == []
    assert result["state"] == "success"
    assert {table["name"].rpartition(".")[2]: table["rows"] for table in result["tables"]}["raw_posts"] == truth.posts
    assert dict(moved["after"].rows("SELECT tag_exploded, tags_count FROM marts_top_tags")) == truth.tags


def test_the_older_airflow_is_still_there(moved: dict[str, Any]) -> None:
    """Whoever goes back finds the history as it was."""
    moved["before"]("up")

    for dag_id, expected in moved["history"].items():
        found = [run["dag_run_id"] for run in moved["before"].airflow.dag_runs(dag_id)]
        assert found == [run["dag_run_id"] for run in expected]
