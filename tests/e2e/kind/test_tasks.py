"""Worker pods."""

from __future__ import annotations

import time

import pytest

from sandbox.backends.kind_tools import Tools
from tests.driver import Cli
from tests.e2e.kind.drills import Keep, docker, ended, eventually, pods_of, running_task, with_dag, write_dag

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.xdist_group("kind")]


def test_each_task_ran_in_a_pod_of_its_own(tools: Tools) -> None:
    """The worker pods of the first run are kept by the setting: one for each try of each task."""
    pods = [pod["metadata"] for pod in tools.get("pods", "--selector", "dag_id")]
    tries = {(pod["labels"]["task_id"], pod["annotations"]["run_id"], pod["labels"]["try_number"]) for pod in pods}

    assert {"check_upstream", "ingest_archive", "publish_snapshot", "run_medallion"} <= {task for task, *_ in tries}
    assert len(pods) >= len(tries)


def test_a_task_runs_seconds_after_its_trigger(up: Cli, tools: Tools, keep: Keep) -> None:
    """The pod is made, scheduled and started; its time is told, for the benchmarks hold it against others."""
    with_dag(up, "quick", "now")
    begun = time.monotonic()
    run_id = up.airflow.trigger("quick", {})
    eventually(lambda: "" if up.airflow.task_instances("quick", run_id)[0]["start_date"] else "not started")
    keep("seconds from trigger to the first task running", round(time.monotonic() - begun, 1))

    eventually(lambda: "" if up.airflow.dag_run("quick", run_id)["state"] == "success" else "runs")
    assert len(pods_of(tools, "quick")) == 1


def test_an_edited_dag_is_what_the_next_pod_runs(up: Cli, tools: Tools, keep: Keep) -> None:
    """A run that is triggered right after the edit executes it; Airflow shows it in seconds; no image is built."""
    with_dag(up, "edited", "first")
    images = set(docker("images", "--quiet", "--no-trunc").split())

    write_dag(up, "edited", "second")
    begun = time.monotonic()
    run_id = up.airflow.trigger("edited", {})
    shown = eventually(lambda: "" if (up.airflow.dag("edited") or {})["description"] == "second" else "old", 30)
    eventually(lambda: "" if up.airflow.dag_run("edited", run_id)["state"] == "success" else "runs")
    keep("seconds from the edit to Airflow showing it", round(shown, 1))
    keep("seconds from the edit to the end of its run", round(time.monotonic() - begun, 1))

    (pod,) = pods_of(tools, "edited")
    assert "MARK second" in tools.kubectl("logs", pod["metadata"]["name"])
    assert set(docker("images", "--quiet", "--no-trunc").split()) == images


def test_the_log_of_a_task_outlives_its_pod(up: Cli, tools: Tools) -> None:
    """Airflow shows it from S3 after the pod is gone."""
    with_dag(up, "logged", "kept")
    result = up("run", "logged", "--json").value
    # the log is sent when the task has told its state
    eventually(lambda: "" if pods_of(tools, "logged", "Succeeded") else "the pod runs")
    tools.kubectl("delete", "pod", "--selector", "dag_id=logged", "--wait=true")

    log = "\n".join(up.airflow.task_log("logged", result["dag_runs"][0]["run_id"], "work", 1).lines)
    assert "MARK kept" in log
    assert pods_of(tools, "logged") == []


def test_a_killed_worker_pod_is_retried(up: Cli, tools: Tools, keep: Keep) -> None:
    """The task's second try succeeds in another pod."""
    process, pod = running_task(up, tools, "killed", 15)
    name = pod["metadata"]["name"]
    tools.kubectl("delete", "pod", name, "--grace-period=0", "--force")
    begun = time.monotonic()
    eventually(lambda: "" if pods_of(tools, "killed", "Running") else "no second try yet", 240)
    keep("seconds from the kill to the second try running", round(time.monotonic() - begun, 1))

    [task] = ended(process)["dag_runs"][0]["tasks"]
    assert task["state"] == "success"
    assert name not in [other["metadata"]["name"] for other in pods_of(tools, "killed")]


def test_finished_pods_are_deleted_where_that_is_set(up: Cli, tools: Tools, keep: Keep) -> None:
    """`kind.delete_worker_pods` works: a pod goes when its task is done. Back to the default afterwards."""
    changed = Cli(project=up.project, name=up.name, env={**up.env, "SANDBOX_KIND_DELETE_WORKER_PODS": "true"})
    begun = time.monotonic()
    changed("up")
    keep("seconds of a redeploy with a changed setting", round(time.monotonic() - begun, 1))
    with_dag(up, "swept", "gone")
    up("run", "swept")
    eventually(lambda: "the pod is there" if pods_of(tools, "swept") else "")
    assert pods_of(tools, "swept") == []

    up("up")
