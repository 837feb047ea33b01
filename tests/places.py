"""Where a sandbox's services really run, from the outside: what tests kill and remove, and what they look for after.

One class per backend: a backend that is added brings one, and inherits every test that is written against `Place`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Collection
from typing import Any, Protocol

import psutil

from sandbox.backends import kind_cluster
from sandbox.backends.kind import AIRFLOW_PARTS
from sandbox.backends.kind_release import RELEASE
from sandbox.backends.kind_tools import Tools
from sandbox.matrix.provision import lacks
from sandbox.services import SERVICES
from sandbox.supervisor import ownership
from tests.driver import Cli

INSTANCE_LABEL = "data-platform-sandbox.instance"


class Place(Protocol):
    """What a test does to a running sandbox without asking the sandbox."""

    def crash(self, cli: Cli, service: str) -> None:
        """Kill the service's process with SIGKILL, as a lack of memory would."""

    def remove(self, cli: Cli, service: str) -> None:
        """Take the service away for good: nothing starts it again but `up`."""

    def running(self, cli: Cli) -> list[str]:
        """Everything of the sandbox that runs or holds a port, by name."""

    def left(self, cli: Cli) -> list[str]:
        """Everything of the sandbox that there is outside its folder, running or not, data included."""


class Processes:
    """The process backend."""

    def crash(self, cli: Cli, service: str) -> None:
        pid = cli.state.services[service].pid
        assert pid is not None, f"{service} does not run"
        os.kill(pid, signal.SIGKILL)

    def remove(self, cli: Cli, service: str) -> None:
        # without the supervisor nobody starts it again
        os.kill(cli.state.pid, signal.SIGKILL)
        self.crash(cli, service)

    def running(self, cli: Cli) -> list[str]:
        return sorted(f"{process.name()} ({process.pid})" for process in ownership.marked(cli.paths.instance_id))

    def left(self, cli: Cli) -> list[str]:
        sockets = [str(cli.paths.runtime)] if cli.paths.runtime.exists() else []
        return self.running(cli) + sockets


class Containers:
    """The docker backend."""

    def crash(self, cli: Cli, service: str) -> None:
        name = self._name(cli, service)
        if service == "postgres":  # it is process 1 itself, which nothing in its container can kill
            docker("kill", name)
            return
        # not `docker kill`: Docker does not start again what it was told to kill
        docker("exec", name, "sh", "-c", "kill -9 -1", check=False)

    def remove(self, cli: Cli, service: str) -> None:
        docker("rm", "--force", self._name(cli, service))

    def running(self, cli: Cli) -> list[str]:
        return self._listed(cli, "ps")

    def left(self, cli: Cli) -> list[str]:
        kinds = (("ps", "--all"), ("network", "ls"), ("volume", "ls"))
        return [each for kind in kinds for each in self._listed(cli, *kind)]

    def _listed(self, cli: Cli, *command: str) -> list[str]:
        form = "{{.Names}}" if command[0] == "ps" else "{{.Name}}"
        label = f"label={INSTANCE_LABEL}={cli.paths.instance_id}"
        return sorted(docker(*command, "--filter", label, "--format", form).split())

    def _name(self, cli: Cli, service: str) -> str:
        return f"sandbox-{cli.name}-{service}-{cli.paths.instance_id[:6]}"


class Pods:
    """The kind backend."""

    def crash(self, cli: Cli, service: str) -> None:
        tools = kubernetes(cli)
        for pod, container in self._containers(tools, service):
            # from the node: in its own container nothing can kill process 1
            status = next(each for each in pod["status"]["containerStatuses"] if each["name"] == container)
            identity = status["containerID"].removeprefix("containerd://")
            kill = ("ctr", "--namespace=k8s.io", "tasks", "kill", "--signal=SIGKILL")
            docker("exec", pod["spec"]["nodeName"], *kill, identity)

    def remove(self, cli: Cli, service: str) -> None:
        tools = kubernetes(cli)
        for owner in self._owners(tools, service):
            tools.kubectl("delete", owner, "--cascade=foreground", "--wait=true")

    def running(self, cli: Cli) -> list[str]:
        return sorted(name for name, state in kind_cluster.nodes(cli.paths).items() if state == "running")

    def left(self, cli: Cli) -> list[str]:
        return sorted(kind_cluster.nodes(cli.paths))

    def _owners(self, tools: Tools, service: str) -> list[str]:
        wanted = {SERVICES[service].container.pod}
        if service == "airflow":
            wanted = {f"{RELEASE}-{part}" for part in AIRFLOW_PARTS}
        found = tools.get("deployments,statefulsets")
        names = [(item["kind"].lower(), item["metadata"]["name"]) for item in found]
        return [f"{kind}/{name}" for kind, name in names if name in wanted]

    def _containers(self, tools: Tools, service: str) -> list[tuple[dict[str, Any], str]]:
        found: list[tuple[dict[str, Any], str]] = []
        for pod in tools.get("pods", "--field-selector=status.phase=Running"):
            labels = pod["metadata"].get("labels", {})
            names = [each["name"] for each in pod["spec"]["containers"]]
            if service == "airflow" and labels.get("component") in AIRFLOW_PARTS:
                found += [(pod, name) for name in names if name == labels["component"]]
            elif labels.get("app") == SERVICES[service].container.pod and service in names:
                found.append((pod, service))
        return found


PLACES: dict[str, Place] = {"process": Processes(), "docker": Containers(), "kind": Pods()}


def not_here(backend: str) -> str:
    """Why this test run leaves a backend out; empty when it tests it."""
    asked = os.environ.get("SANDBOX_TEST_BACKENDS", "process").split(",")
    if backend not in asked:
        return f"not asked for: `nox -s backends -- {backend}` runs it, in minutes"
    return lacks(backend)


def listeners(ports: Collection[int], *, before: float) -> list[str]:
    """Whoever listens at one of these ports and was started before this time (seconds since the epoch).

    A port that has just become free may be another sandbox's already; that one was started later.
    """
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # it has ended, or it is another user's
            taken = {
                each.laddr.port for each in process.net_connections(kind="tcp") if each.status == psutil.CONN_LISTEN
            }
            if taken & set(ports) and process.create_time() < before:
                found.append(str(process))
    return found


def docker(*arguments: str, check: bool = True) -> str:
    """What a docker command prints."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"docker {' '.join(arguments)} -> {done.returncode}\n{done.stderr}"
    return done.stdout


def kubernetes(cli: Cli) -> Tools:
    """kubectl and helm, aimed at the sandbox's cluster."""
    context = json.loads((cli.paths.root / "kind.json").read_text())["context"]
    return Tools(
        kubeconfig=kind_cluster.kubeconfig(cli.paths),
        namespace=context["config"]["kind"]["namespace"],
        context=f"kind-{kind_cluster.cluster_name(cli.paths)}",
    )
