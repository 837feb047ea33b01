"""The Kind cluster of a sandbox: made, started again, given images, stopped, deleted. It touches no other cluster."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import yaml

from sandbox import health
from sandbox.backends.kind_tools import Tools
from sandbox.config import Config
from sandbox.errors import ConfigurationError, SandboxError, ServiceNotHealthy
from sandbox.images.docker import docker
from sandbox.paths import StatePaths, write_private
from sandbox.progress import Progress
from sandbox.services.spec import LOOPBACK

NODE_PORTS = {"airflow": 30080, "s3": 30566, "databricks": 30090, "archive": 30091, "spark": 30051}
"""Where each service listens on the node; Kind publishes these on loopback."""
PROJECT_ON_NODE = "/sandbox/project"
ARCHIVES_ON_NODE = "/sandbox/archive"
START_SECONDS = 90.0
DELETE_SECONDS = 60.0
NODES, NODES_SECONDS = 2, 10.0
"""How many there are, and how long Docker takes at most to make their containers, not to start them."""


def cluster_name(paths: StatePaths) -> str:
    """The cluster's name, which no other sandbox of this machine has."""
    return f"sandbox-{paths.name}-{paths.instance_id[:6]}"


def kubeconfig(paths: StatePaths) -> Path:
    """How to reach it: a file of the sandbox's own, never the user's."""
    return paths.root / "kubeconfig"


def nodes(paths: StatePaths) -> dict[str, str]:
    """The cluster's node containers with Docker's word for their state."""
    label = f"label=io.x-k8s.kind.cluster={cluster_name(paths)}"
    listed = docker(["ps", "--all", "--filter", label, "--format", "{{.Names}} {{.State}}"])
    return dict(line.split(" ", 1) for line in listed.splitlines())


def definition(config: Config, paths: StatePaths, ports: Mapping[str, int]) -> dict[str, Any]:
    """Kind's configuration: one control plane, one worker with the project mounted, ports on loopback only."""
    mappings = [
        {"containerPort": NODE_PORTS[name], "hostPort": port, "listenAddress": LOOPBACK, "protocol": "TCP"}
        for name, port in sorted(ports.items())
        if name in NODE_PORTS
    ]
    mounts = [
        {"hostPath": str(paths.project), "containerPath": PROJECT_ON_NODE, "readOnly": True},
        {"hostPath": str(paths.archives), "containerPath": ARCHIVES_ON_NODE, "readOnly": True},
    ]
    image = node_image(config)
    node = {"image": image} if image else {}
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": cluster_name(paths),
        "networking": {"apiServerAddress": LOOPBACK},
        "nodes": [
            {"role": "control-plane", **node},
            {"role": "worker", **node, "extraMounts": mounts, "extraPortMappings": mappings},
        ],
    }


def node_image(config: Config) -> str:
    """The node image that was asked for; empty: the one that this `kind` is made for."""
    if config.kind.node_image or os.environ.get("KIND_NODE_IMAGE"):
        return config.kind.node_image or os.environ["KIND_NODE_IMAGE"]
    return f"kindest/node:v{config.kind.kubernetes.removeprefix('v')}" if config.kind.kubernetes else ""


def _made(paths: StatePaths) -> Path:
    """Written when the cluster is whole: a killed `up` leaves a cluster without it."""
    return paths.root / "kind-cluster.json"


def exists(paths: StatePaths) -> bool:
    """Whether there is a whole cluster, running or stopped."""
    return _made(paths).exists() and bool(nodes(paths))


def end_creation(paths: StatePaths) -> None:
    """End the `kind create cluster` that a killed `up` has left running.

    It would go on, and when it fails it deletes every node with the cluster's name, also those of the next `up`.
    """
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # it has ended, or it is another user's
            words = process.cmdline()
            if "create" in words and str(kubeconfig(paths)) in words:
                family = [process, *process.children(recursive=True)]
                for each in family:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        each.kill()
                psutil.wait_procs(family)
                _until_nodes_are_made(paths)


def _until_nodes_are_made(paths: StatePaths) -> None:
    """Docker goes on making the containers that it was asked for, whoever asked: wait for them, or for none at all."""
    with contextlib.suppress(health.StillWaiting):
        health.wait_until(
            lambda: "" if len(nodes(paths)) == NODES else "not yet", timeout_seconds=NODES_SECONDS, interval_seconds=0.2
        )


def ensure(config: Config, paths: StatePaths, ports: Mapping[str, int], tools: Tools, progress: Progress) -> bool:
    """Make the cluster, or start the one that is there; returns whether it is a new one.

    A half-made cluster is replaced. Raises ConfigurationError for a whole one that was made for other ports, another
    project folder or another node image: Kind cannot change them, and its tables and history are the user's.
    """
    wanted = definition(config, paths, ports)
    digest = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()
    end_creation(paths)
    found = nodes(paths)
    before = json.loads(_made(paths).read_text("utf-8")) if found and _made(paths).exists() else None
    if before and before["digest"] != digest:
        raise ConfigurationError(
            f"the cluster {cluster_name(paths)} was made for other settings, which it cannot change",
            why=_difference(before.get("definition", {}), wanted),
            next_command="sandbox reset && sandbox up --backend kind    (deletes its tables; or free the port)",
        )
    with progress.step("cluster") as step:
        if before:
            if all(state == "running" for state in found.values()):
                step.done(f"{cluster_name(paths)} runs")
                return False
            step.update("starting its nodes")
            docker(["start", *sorted(found)])
            _wait_for_nodes(tools)
            step.done(f"{cluster_name(paths)} started again")
            return False
        if found:
            step.update("removing a cluster that is not whole")
            delete(paths, tools)
        step.update("creating it: half a minute")
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump(wanted, file)
            file.flush()
            tools.run(
                "kind",
                "create",
                "cluster",
                "--config",
                file.name,
                "--kubeconfig",
                str(kubeconfig(paths)),
                "--wait",
                "60s",
            )
        kubeconfig(paths).chmod(0o600)
        _wait_for_nodes(tools)
        write_private(_made(paths), json.dumps({"digest": digest, "definition": wanted}))
        step.done(cluster_name(paths))
        return True


def _difference(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """What of the worker, which has all that can be set, is not what it was."""
    old, new = (each.get("nodes", ({}, {}))[-1] for each in (before, wanted))
    lines = (
        [f"node image: {old.get('image', '')}, now {new.get('image', '')}"]
        if old.get("image") != new.get("image")
        else []
    )
    names = {port: name for name, port in NODE_PORTS.items()}
    ports = {each["containerPort"]: each["hostPort"] for each in old.get("extraPortMappings", ())}
    for each in new.get("extraPortMappings", ()):
        was = ports.get(each["containerPort"])
        if was != each["hostPort"]:
            lines.append(f"port of {names[each['containerPort']]}: {was}, now {each['hostPort']}")
    if old.get("extraMounts") != new.get("extraMounts"):
        lines.append("the project's folder")
    return "\n".join(lines)


def _wait_for_nodes(tools: Tools) -> None:
    def complaint() -> str:
        done = tools.run("kubectl", "get", "nodes", "--output", "json", check=False)
        if not done:
            return "the cluster's API does not answer"
        sick = [
            item["metadata"]["name"]
            for item in json.loads(done)["items"]
            if not any(each["type"] == "Ready" and each["status"] == "True" for each in item["status"]["conditions"])
        ]
        return f"not ready: {', '.join(sick)}" if sick else ""

    try:
        health.wait_until(complaint, timeout_seconds=START_SECONDS, interval_seconds=0.5)
    except health.StillWaiting as error:
        raise ServiceNotHealthy(
            f"the cluster's nodes are not ready after {START_SECONDS:.0f} s",
            why=str(error),
            next_command="sandbox reset && sandbox up --backend kind",
        ) from None


def stop(paths: StatePaths) -> int:
    """Stop the nodes, which keeps what the cluster holds; returns how many there were to stop."""
    running = [name for name, state in nodes(paths).items() if state == "running"]
    if running:
        docker(["stop", "--time", "5", *running])
    return len(running)


def delete(paths: StatePaths, tools: Tools) -> None:
    """Delete the cluster and everything in it; raises SandboxError when a node is still there after that."""
    name = cluster_name(paths)

    def complaint() -> str:
        # Docker keeps a container that it is just making, and kind does not look
        tools.run("kind", "delete", "cluster", "--name", name, "--kubeconfig", str(kubeconfig(paths)))
        return ", ".join(sorted(nodes(paths)))

    try:
        health.wait_until(complaint, timeout_seconds=DELETE_SECONDS, interval_seconds=1)
    except health.StillWaiting as error:
        raise SandboxError(
            f"the cluster {name} cannot be deleted",
            why=f"Docker keeps its nodes: {error}",
            next_command=f"docker rm --force {str(error).replace(',', '')}",
        ) from None
    _made(paths).unlink(missing_ok=True)
