"""The sandbox on Kind against the same on the process backend: ready, images, redeploy, first task, edit, memory.

Images are in Docker before the first round; nothing else is. Needs what `sandbox doctor --backend kind` asks for.
"""

from __future__ import annotations

import dataclasses
import re
import subprocess
import time
from collections.abc import Callable

from sandbox import follow, health
from sandbox.backends import kind_cluster, tools_of
from sandbox.backends.kind_images import Shipment
from sandbox.backends.kind_release import RELEASE
from sandbox.backends.kind_tools import Tools
from sandbox.clients.airflow import AirflowClient
from sandbox.console import Terminal
from sandbox.matrix.provision import lacks
from tests.bench import memory
from tests.bench.model import Result, Sample, medians
from tests.bench.project import project, timed
from tests.driver import Cli

CHANGED = {"SANDBOX_AIRFLOW_CONFIG": '{"core.default_task_retries": "1"}'}
MIB = {"MiB": 1.0, "GiB": 1024.0}
PATIENCE_SECONDS = 300.0
PEER = "process backend"
DAG = """
from airflow.sdk import dag, task


@dag(schedule=None, description="{mark}")
def bench_task():
    @task
    def work():
        print("{mark}")

    work()


bench_task()
"""
FIGURES: dict[str, tuple[str, str, float | None]] = {
    "ready": ("`up` from no cluster to all healthy, images in Docker", "s", 120.0),
    "ready, cluster": ("`up` on a cluster that is there, without a release, images on its node", "s", None),
    "images": ("the images into an empty node", "s", None),
    "redeploy": ("`up` with a changed setting of Airflow's, to all healthy", "s", 40.0),
    "first task": ("trigger to the first task running", "s", 5.0),
    "edit": ("an edited DAG, triggered at once: to its task running", "s", None),
    "memory": ("the nodes at rest; the peer's PSS", "MiB", None),
}
"""Name, what it is, unit, and the goal in that unit."""


def kind(repeat: int) -> list[Result]:
    """All of them; medians of `repeat` rounds. No figure, and why, where this machine cannot run Kind."""
    if lack := lacks("kind"):
        return [Result(name="kind", what="no figure", unit="", ours=None, note=lack)]
    rounds = []
    with project() as cli:
        ours = dataclasses.replace(cli, name="bkind", env={"SANDBOX_BACKEND": "kind"})
        try:
            ours("images", "build")
            cli("up")  # builds the runtimes
            cli("reset")
            for _ in range(repeat):
                theirs = _round(cli, lambda: memory.pss_mebibytes(memory.of_sandbox(cli.paths.instance_id)))
                rounds.append((_kind_round(ours), theirs))
        finally:
            ours("reset", expect=None)
    return [_result(name, [(mine[name], theirs.get(name)) for mine, theirs in rounds]) for name in FIGURES]


def _kind_round(cli: Cli) -> dict[str, float]:
    found = _round(cli, lambda: _node_mebibytes(cli), reset=False)
    tools = tools_of("kind", cli.paths)
    assert tools is not None
    _remove_release(tools)
    found["ready, cluster"] = timed(lambda: cli("up"))
    found["images"] = _load_again(cli, tools)
    cli("reset")
    return found


def _round(cli: Cli, mebibytes: Callable[[], float], *, reset: bool = True) -> dict[str, float]:
    """What both backends are measured by."""
    found = {"ready": timed(lambda: cli("up"))}
    airflow = cli.airflow
    _write(cli, airflow, "first")
    follow.prepare(airflow, "bench_task", cli.context.dags)
    found["first task"] = _until_running(airflow)
    file = cli.project / "dags" / "bench_task.py"
    file.write_text(DAG.format(mark="edited"))
    found["edit"] = _until_running(airflow)
    found["memory"] = mebibytes()
    changed = dataclasses.replace(cli, env={**cli.env, **CHANGED})
    found["redeploy"] = timed(lambda: changed("up"))
    if reset:
        cli("reset")
    return found


def _write(cli: Cli, airflow: AirflowClient, mark: str) -> None:
    (cli.project / "dags" / "bench_task.py").write_text(DAG.format(mark=mark))
    health.wait_until(
        lambda: "" if (airflow.dag("bench_task") or {}).get("description") == mark else "not parsed yet",
        timeout_seconds=PATIENCE_SECONDS,
    )


def _until_running(airflow: AirflowClient) -> float:
    """Seconds from a trigger until its task has begun; returns when the dag_run is over."""
    begun = time.monotonic()
    run_id = airflow.trigger("bench_task", {})

    def complaint() -> str:
        tasks = airflow.task_instances("bench_task", run_id)
        return "" if tasks and tasks[0]["start_date"] else "not started"

    health.wait_until(complaint, timeout_seconds=PATIENCE_SECONDS)
    seconds = time.monotonic() - begun
    health.wait_until(
        lambda: "" if airflow.dag_run("bench_task", run_id)["state"] == "success" else "runs",
        timeout_seconds=PATIENCE_SECONDS,
    )
    return seconds


def _node_mebibytes(cli: Cli) -> float:
    nodes = sorted(kind_cluster.nodes(cli.paths))
    argv = ["docker", "stats", "--no-stream", "--format", "{{.MemUsage}}", *nodes]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return sum(float(number) * MIB[unit] for number, unit in re.findall(r"^([\d.]+)(MiB|GiB)", said, re.MULTILINE))


def _remove_release(tools: Tools) -> None:
    """Leave the cluster as it was before the chart was installed; its node keeps the images."""
    # not `--wait`: the volumes go when the claims have gone, which are not the release's but the namespace's
    tools.run("helm", "uninstall", RELEASE, "--namespace", tools.namespace)
    tools.run("kubectl", "delete", "namespace", tools.namespace)
    tools.run("kubectl", "delete", "persistentvolumes", "--all")


def _load_again(cli: Cli, tools: Tools) -> float:
    """Seconds to load all images into a node that has lost them."""
    worker = ("docker", "exec", f"{kind_cluster.cluster_name(cli.paths)}-worker", "ctr", "--namespace", "k8s.io")
    listed = subprocess.run([*worker, "images", "list", "--quiet"], capture_output=True, text=True, check=True).stdout
    mine = [name for name in listed.split() if "data-platform-sandbox/" in name]
    _remove_release(tools)
    subprocess.run([*worker, "images", "rm", "--sync", *mine], capture_output=True, check=True)
    references = [name.removeprefix("docker.io/") for name in mine]

    def ship() -> None:
        with Shipment(cli.paths, tools) as shipment:
            shipment.load(references)
            shipment.wait(references, "images", Terminal(quiet=True))

    return timed(ship)


def _result(name: str, samples: list[Sample]) -> Result:
    what, unit, goal = FIGURES[name]
    ours, peer = medians(samples)
    return Result(
        name=f"kind, {name}",
        what=what,
        unit=unit,
        ours=ours,
        peer=peer,
        peer_name=PEER if peer is not None else "",
        goal=goal,
        goal_is_absolute=goal is not None,
        samples=tuple(samples),
    )
