"""What the drills on Kind share: DAGs that are written meanwhile, worker pods, patience."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

from sandbox import follow, health
from sandbox.backends.kind_cluster import cluster_name
from sandbox.backends.kind_tools import Tools
from tests.driver import Cli

Keep = Callable[[str, object], None]


DAG = """
import pendulum
from airflow.sdk import dag, task


@dag(schedule=None, start_date=pendulum.datetime(2024, 1, 1), catchup=False, description="{mark}")
def {name}():
    @task(retries=2, retry_delay=pendulum.duration(seconds=1))
    def work():
        import socket, time
        print("MARK {mark} on", socket.gethostname(), flush=True)
        time.sleep({seconds})

    work()


{name}()
"""


def tools_of(cli: Cli) -> Tools:
    return Tools(
        kubeconfig=cli.paths.root / "kubeconfig",
        namespace=cli.context.config.kind.namespace,
        context=f"kind-{cluster_name(cli.paths)}",
    )


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout


def eventually(complaint: Callable[[], str], seconds: float = 120) -> float:
    """Seconds until there is no complaint any more."""
    begun = time.monotonic()
    health.wait_until(complaint, timeout_seconds=seconds, interval_seconds=0.1)
    return time.monotonic() - begun


def write_dag(cli: Cli, name: str, mark: str, seconds: float = 0) -> None:
    (cli.project / "dags" / f"{name}.py").write_text(DAG.format(name=name, mark=mark, seconds=seconds))


def with_dag(cli: Cli, name: str, mark: str, seconds: float = 0) -> None:
    """Write a DAG and wait until Airflow knows it and would run it."""
    write_dag(cli, name, mark, seconds)
    eventually(lambda: "" if (cli.airflow.dag(name) or {}).get("description") == mark else f"{name} is not parsed yet")
    follow.prepare(cli.airflow, name, cli.context.dags)


def pods_of(tools: Tools, dag_id: str, phase: str = "") -> list[dict[str, Any]]:
    found = tools.get("pods", "--selector", f"dag_id={dag_id}")
    return [pod for pod in found if phase in ("", pod["status"]["phase"])]


def running_task(up: Cli, tools: Tools, name: str, seconds: float) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    """A `sandbox run` whose task runs in a pod now, and that pod."""
    with_dag(up, name, "long", seconds)
    process = up.start("run", name, "--json")
    eventually(lambda: "" if pods_of(tools, name, "Running") else "no worker pod runs yet")
    (pod,) = pods_of(tools, name, "Running")
    return process, pod


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a `sandbox run` printed at its end, which must be a good one."""
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, f"{out}\n{err}"
    value: dict[str, Any] = json.loads(out)
    return value
