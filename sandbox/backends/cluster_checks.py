"""What an existing cluster must have before the chart is installed on it; none of the checks changes anything."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from sandbox.backends.kind_release import OWNER, RELEASE
from sandbox.backends.kind_tools import Tools, find_tool
from sandbox.errors import ConfigurationError, PrerequisiteMissing, SandboxError, ServiceNotHealthy

PLACEHOLDER = "CHANGE-ME"
RIGHTS = (
    "deployments.apps",
    "jobs.batch",
    "secrets",
    "networkpolicies.networking.k8s.io",
    "roles.rbac.authorization.k8s.io",
)


def contexts() -> list[str]:
    """The contexts of the user's kubeconfig."""
    argv = [find_tool("kubectl"), "config", "get-contexts", "--output", "name"]
    done = subprocess.run(argv, capture_output=True, text=True, env=os.environ, check=False)
    return sorted(done.stdout.split())


def reach(tools: Tools) -> str:
    """The version of the cluster; raises ServiceNotHealthy when its API does not answer."""
    try:
        answer = tools.run("kubectl", "version", "--output", "json", "--request-timeout=15s")
    except SandboxError as error:
        raise ServiceNotHealthy(
            f"the cluster of the context {tools.context} does not answer",
            why=error.why,
            next_command=f"kubectl --context {tools.context} cluster-info",
        ) from None
    return str(json.loads(answer)["serverVersion"]["gitVersion"])


def effective_values(chart: Path, profile: str, files: Sequence[Path]) -> dict[str, Any]:
    """The values as Helm will layer them; raises ConfigurationError for a file that is not there or is no YAML."""
    merged: dict[str, Any] = {}
    for file in (chart / "values.yaml", chart / "profiles" / f"{profile}.yaml", *files):
        try:
            found = yaml.safe_load(file.read_text("utf-8")) or {}
        except (OSError, yaml.YAMLError) as error:
            raise ConfigurationError(
                f"{file} is no file of values", why=str(error), next_command="sandbox config    (cluster.values)"
            ) from None
        merged = _over(merged, found)
    return merged


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _over(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def values_are_complete(values: Mapping[str, Any], files: Sequence[Path]) -> None:
    """Raise ConfigurationError while values of the profile are placeholders, or no image is named."""
    open_ones = [where for where, value in _texts(values) if PLACEHOLDER in value and _counts(where, values)]
    if not values["airflow"].get("images", {}).get("airflow", {}).get("repository"):
        open_ones.append("airflow.images.airflow.repository")
    if open_ones:
        named = ", ".join(map(str, files)) or "cluster.values names no file"
        raise ConfigurationError(
            f"the values of the release are not complete: {', '.join(open_ones)}",
            why=f"the production profile leaves them to you ({named})",
            next_command="sandbox config    (cluster.values; docs/chart.md lists what is yours)",
        )


def _counts(where: str, values: Mapping[str, Any]) -> bool:
    return not where.startswith("airflow.dags.gitSync") or bool(values["airflow"]["dags"]["gitSync"]["enabled"])


def _texts(value: object, where: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, f"{where}.{key}" if where else str(key))
    elif isinstance(value, str):
        yield where, value


def namespace_is_ours(tools: Tools) -> bool:
    """Whether the namespace has to be made; raises ConfigurationError when it is there and holds something else."""
    found = tools.run("kubectl", "get", "namespace", tools.namespace, "--ignore-not-found", "--output", "json")
    if not found.strip():
        return True
    if json.loads(found)["metadata"].get("labels", {}).get("app.kubernetes.io/part-of") == OWNER:
        return False
    others = [
        f"{item['kind'].lower()} {item['metadata']['name']}"
        for item in tools.get("deployments,statefulsets")
        if item["metadata"].get("labels", {}).get("app.kubernetes.io/part-of") != OWNER
        and item["metadata"].get("labels", {}).get("release") != RELEASE
    ]
    if others:
        raise ConfigurationError(
            f"the namespace {tools.namespace} on {tools.context} holds something else: {', '.join(sorted(others)[:3])}",
            why="its names and policies would get in the way of those of the release",
            next_command="SANDBOX_CLUSTER_NAMESPACE=data-platform-2 sandbox up --context …",
        )
    return False


def may_install(tools: Tools) -> None:
    """Raise PrerequisiteMissing where this user may not make what the chart consists of."""
    denied = [what for what in RIGHTS if tools.kubectl("auth", "can-i", "create", what, check=False).strip() != "yes"]
    if denied:
        raise PrerequisiteMissing(
            f"you may not create {', '.join(denied)} in {tools.namespace} on {tools.context}",
            why="kubectl auth can-i says no",
            next_command=tools.hint("auth can-i --list"),
        )


def secrets_are_there(tools: Tools, values: Mapping[str, Any], *, namespace_exists: bool) -> None:
    """Raise PrerequisiteMissing for a Secret that only its owner can make: the connections, an external database."""
    names = values["secrets"]
    wanted = [names["airflowEnvironment"]]
    if not values["postgresql"]["enabled"]:
        wanted.append(names["metadata"])
    if not names["create"]:
        wanted += [names[key] for key in ("metadata", "fernet", "api", "jwt", "admin")]
    listed = tools.kubectl("get", "secrets", "--output", "name", check=False).split()
    if lacking := sorted({name for name in wanted if f"secret/{name}" not in listed}):
        command = f"create secret generic {lacking[0]} --from-env-file=FILE"
        if lacking[0] == names["metadata"]:
            command = f"create secret generic {lacking[0]} --from-file=connection=FILE"
        raise PrerequisiteMissing(
            f"the namespace {tools.namespace} has no Secret {', '.join(lacking)}",
            why="the chart does not make these: chart/README.md says what they hold",
            next_command=tools.hint(command if namespace_exists else f"create namespace {tools.namespace}"),
        )


def pod_security(values: Mapping[str, Any]) -> str:
    """The strictest standard that the release keeps to."""
    rooted = values["postgresql"]["enabled"] and values["postgresql"]["fixOwnership"]
    return "baseline" if rooted else "restricted"
