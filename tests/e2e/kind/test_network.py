"""NetworkPolicies, and what this machine publishes."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from sandbox.backends.kind_cluster import cluster_name
from sandbox.backends.kind_release import RELEASE
from sandbox.backends.kind_tools import Tools
from tests.driver import Cli
from tests.e2e.kind.drills import docker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.xdist_group("kind")]


CONNECTS = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5).close()
except OSError as error:
    print("closed:", error)
else:
    print("open")
"""


LISTENS = "import socket; s = socket.create_server(('0.0.0.0', 8000))\nwhile True: s.accept()[0].close()"


def test_ports_are_published_on_loopback_only(up: Cli) -> None:
    """Kind publishes the node's ports on 127.0.0.1."""
    label = f"label=io.x-k8s.kind.cluster={cluster_name(up.paths)}"
    for line in docker("ps", "--filter", label, "--format", "{{.Ports}}").splitlines():
        assert all(each.startswith("127.0.0.1:") for each in line.split(", ") if "->" in each), line


def test_policies_keep_pods_apart_where_they_are_enforced(up: Cli, tools: Tools) -> None:
    """A worker reaches the API server and S3, but not the database; a pod of nobody reaches nothing."""
    image = tools.get("deployments", "--selector=component=scheduler")[0]["spec"]["template"]["spec"]["containers"][0][
        "image"
    ]
    if not enforced(tools, image):
        pytest.skip("the network plug-in of this cluster does not enforce NetworkPolicies: a denied pod connects")
    worker = {"component": "worker", "release": RELEASE, "tier": "airflow"}

    assert connects(tools, image, worker, f"{RELEASE}-api-server", 8080) == "open"
    assert connects(tools, image, worker, "s3", 4566) == "open"
    assert connects(tools, image, worker, "postgres", 5432).startswith("closed")
    assert connects(tools, image, {"component": "scheduler", "release": RELEASE}, "postgres", 5432) == "open"
    for host, port in (("postgres", 5432), (f"{RELEASE}-api-server", 8080), ("s3", 4566)):
        assert connects(tools, image, {"app": "nobody"}, host, port).startswith("closed"), host


def pod_that_runs(name: str, image: str, labels: dict[str, str], code: str, *arguments: str) -> dict[str, Any]:
    """A pod that keeps to restricted pod security and runs Python code once."""
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "Never",
        "command": ["python", "-c", code, *arguments],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "runAsUser": 50000, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {
        "containers": [container],
        "securityContext": security,
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}


def connects(tools: Tools, image: str, labels: dict[str, str], host: str, port: int) -> str:
    """What a pod with these labels says of a connection: `open`, or `closed: …`."""
    name = f"asks-{time.monotonic_ns()}"
    tools.apply([pod_that_runs(name, image, labels, CONNECTS, host, str(port))])
    tools.kubectl("wait", f"pod/{name}", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=90s")
    said = tools.kubectl("logs", name).strip()
    tools.kubectl("delete", "pod", name, "--wait=false")
    return said


def enforced(tools: Tools, image: str) -> bool:
    """Whether the cluster enforces NetworkPolicies at all, tried in a namespace of its own that denies everything."""
    apart = Tools(kubeconfig=tools.kubeconfig, namespace="policies-tried", context=tools.context)
    deny = {"podSelector": {"matchLabels": {"app": "listener"}}, "policyTypes": ["Ingress"]}
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "deny"}, "spec": deny}
    apart.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": apart.namespace}}])
    try:
        apart.apply([policy, pod_that_runs("listener", image, {"app": "listener"}, LISTENS)])
        apart.kubectl("wait", "pod/listener", "--for=condition=Ready", "--timeout=90s")
        address = json.loads(apart.kubectl("get", "pod", "listener", "--output=json"))["status"]["podIP"]
        return connects(apart, image, {"app": "asks"}, address, 8000) != "open"
    finally:
        apart.run("kubectl", "delete", "namespace", apart.namespace, "--wait=false")
