"""A release in short: each object in a line, each container with what a reviewer looks at.

`python -m tests.unit.chart.golden` writes the files in `golden/`, which `test_golden.py` compares.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from tests.unit.chart.rendered import HERE, Pod, Rendered

FOLDER = HERE / "golden"
WRITE = "WRITE_GOLDEN_FILES"
DIGEST = re.compile(r"(?<=-setup-)[0-9a-f]{10}$")


def summary(rendered: Rendered) -> str:
    """The release as text, the same for the same chart and values: nothing generated is in it."""
    pods = {str(pod): pod for pod in rendered.pods}
    lines = []
    for each in sorted(rendered.objects, key=lambda each: (each["kind"], each["metadata"]["name"])):
        kind, name = each["kind"], each["metadata"]["name"]
        lines.append(f"{kind} {DIGEST.sub('…', name)}{_facts(each)}")
        if pod := pods.get(f"{kind}/{name}"):
            lines += _pod(pod)
    lines += ["worker pods", *_pod(pods["Pod/worker"]), "airflow.cfg"]
    cfg = rendered.airflow_cfg
    lines += [f"  [{section}] {key} = {value}" for section in cfg.sections() for key, value in cfg[section].items()]
    return "\n".join(lines) + "\n"


def _facts(each: Mapping[str, Any]) -> str:
    spec = each.get("spec") or {}
    match each["kind"]:
        case "Service":
            ports = ", ".join(f"{port['port']}{_arrow(port)}" for port in spec["ports"])
            return f" {spec.get('type', 'ClusterIP')} {ports}"
        case "NetworkPolicy":
            return f" {'+'.join(spec['policyTypes'])}"
        case "PersistentVolumeClaim":
            return f" {spec['resources']['requests']['storage']} {'+'.join(spec['accessModes'])}"
        case "Secret":
            return f" {', '.join(sorted(each['data']))}"
        case "Deployment" | "StatefulSet":
            return f" × {spec.get('replicas', 1)}"
        case _:
            return ""


def _arrow(port: Mapping[str, Any]) -> str:
    return f" on node {port['nodePort']}" if "nodePort" in port else ""


def _pod(pod: Pod) -> Iterator[str]:
    account = pod.spec["serviceAccountName"]
    yield f"  account {account}"
    for volume in sorted(pod.spec.get("volumes") or (), key=lambda volume: str(volume["name"])):
        (kind,) = set(volume) - {"name"}
        yield f"  volume {volume['name']}: {kind}"
    initial = len(pod.spec.get("initContainers") or ())
    for at, container in enumerate(pod.containers):
        requests, limits = container["resources"]["requests"], container["resources"]["limits"]
        probes = [name for name in ("startup", "liveness", "readiness") if f"{name}Probe" in container]
        user = (container.get("securityContext") or {}).get("runAsUser")
        yield (
            f"  {'init ' if at < initial else ''}{container['name']}: {container['image']}"
            f", {requests['cpu']} {requests['memory']}, at most {limits['memory']}"
            + (f", probes {'+'.join(probes)}" if probes else "")
            + (f", as user {user}" if user is not None else "")
        )


def main() -> int:
    """Write the golden files: the comparison, told to write first."""
    command = [sys.executable, "-m", "pytest", "-q", str(HERE / "test_golden.py")]
    return subprocess.run(command, check=False, env=os.environ | {WRITE: "1"}, cwd=HERE.parents[2]).returncode


if __name__ == "__main__":
    sys.exit(main())
