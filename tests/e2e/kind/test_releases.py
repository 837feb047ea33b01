"""`helm upgrade` below running tasks."""

from __future__ import annotations

import subprocess
import time

import pytest

from sandbox.backends.kind_cluster import cluster_name
from sandbox.backends.kind_release import RELEASE
from sandbox.backends.kind_tools import Tools
from tests.driver import Cli
from tests.e2e.kind.drills import Keep, docker, ended, pods_of, running_task, with_dag

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.xdist_group("kind")]


def test_an_upgrade_of_values_loses_no_task_and_no_login(up: Cli, tools: Tools) -> None:
    """A task that runs meanwhile ends well in its pod; a token from before still holds, as does the password."""
    client = up.airflow
    password = up("env", "--password").out
    process, pod = running_task(up, tools, "upgraded", 60)
    changed = Cli(project=up.project, name=up.name, env={**up.env, "SANDBOX_KIND_DELETE_WORKER_PODS": "true"})
    changed("up")

    assert client.dag("upgraded") is not None
    assert up("env", "--password").out == password
    [task] = ended(process)["dag_runs"][0]["tasks"]
    assert (task["state"], pod["metadata"]["labels"]["try_number"]) == ("success", "1")
    up("up")


def test_an_upgrade_of_the_image_loses_no_task_and_no_login(up: Cli, tools: Tools) -> None:
    """The running task ends in its old image, the next one runs in the new one; a token from before still holds."""
    client = up.airflow
    process, pod = running_task(up, tools, "reimaged", 60)
    old = pod["spec"]["containers"][0]["image"]
    repository, _, tag = old.rpartition(":")
    new = f"{repository}:{tag}-next"
    subprocess.run(
        ["docker", "build", "--quiet", "--tag", new, "-"], input=f"FROM {old}\nLABEL next=1\n".encode(), check=True
    )
    worker = f"{cluster_name(up.paths)}-worker"
    tools.run("kind", "load", "docker-image", new, "--name", cluster_name(up.paths), "--nodes", worker)
    names = ("defaultAirflowTag", "images.airflow.tag", "images.pod_template.tag")
    settings = [word for name in names for word in ("--set-string", f"airflow.{name}={tag}-next")]
    chart = str(up.paths.root / "chart")
    options = ("--namespace", tools.namespace, "--reuse-values", "--wait", "--timeout", "10m")
    tools.run("helm", "upgrade", RELEASE, chart, *options, *settings)

    assert client.dag("reimaged") is not None
    assert ended(process)["dag_runs"][0]["tasks"][0]["state"] == "success"
    with_dag(up, "anew", "new image")
    up("run", "anew")
    assert {each["spec"]["containers"][0]["image"] for each in pods_of(tools, "anew")} == {new}
    up("up")
    docker("image", "rm", new)


def test_no_secret_stands_in_the_values_of_the_release(up: Cli, tools: Tools) -> None:
    """Helm keeps the values of every revision: none of the generated secrets is among them."""
    found = tools.run("helm", "get", "values", RELEASE, "--all", "--namespace", tools.namespace)
    secrets = up.context.credentials
    for value in (
        secrets.airflow_password,
        secrets.fernet_key,
        secrets.database_password,
        secrets.databricks_token,
    ):
        assert value not in found


def test_an_up_that_changes_nothing_restarts_nothing(up: Cli, tools: Tools, keep: Keep) -> None:
    """The pods are the ones that were there."""

    def serving() -> set[str]:
        found = tools.get("pods", "--selector", "tier in (airflow,sandbox,database)")
        meta = [pod["metadata"] for pod in found]
        return {each["uid"] for each in meta if not {"dag_id", "deletionTimestamp"} & {*each, *each["labels"]}}

    before = serving()
    begun = time.monotonic()
    up("up")
    keep("seconds of an up that changes nothing", round(time.monotonic() - begun, 1))

    assert serving() == before
