"""A cluster that is there already, named by its context: the chart with the production profile, and Kind's checks.

Not one of BACKENDS: nothing of it runs on this machine, and nothing of it is ever deleted from here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from sandbox.backends import cluster_checks, kind_release, kind_volumes, kind_wait
from sandbox.backends.base import Capability, CommandLog, LogSource, SandboxStatus, ServiceStatus
from sandbox.backends.kind_tools import Tools, check_tools
from sandbox.config import Config
from sandbox.errors import ConfigurationError, SandboxError, ServiceNotHealthy
from sandbox.paths import StatePaths, make_private, write_private
from sandbox.plan import Plan
from sandbox.progress import Progress
from sandbox.services.spec import ServiceContext

NAME = "cluster"
CAPABILITIES = frozenset({Capability.TASK_ISOLATION})
PROFILE = "production"
PARTS = ("api-server", "scheduler", "dag-processor", "triggerer")
HEALTH = (
    "import json, sys, urllib.request as u; "
    "found = json.load(u.urlopen('http://127.0.0.1:8080/api/v2/monitor/health', timeout=10)); "
    "sick = [k for k, v in found.items() if v.get('status') not in ('healthy', None)]; "
    "sys.exit(f'not healthy: {sick}' if sick else 0)"
)
"""Asked inside a pod of the API server: a cluster publishes it where its owner wants, or nowhere."""


def _file(paths: StatePaths) -> Path:
    return paths.root / "cluster.json"


def _recorded(paths: StatePaths) -> dict[str, str]:
    file = _file(paths)
    found: dict[str, str] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return found


def tools_of(paths: StatePaths) -> Tools:
    """The tools, aimed at where this sandbox was deployed to."""
    record = _recorded(paths)
    if not record:
        raise ServiceNotHealthy(
            f"sandbox {paths.name} is deployed on no cluster",
            why=f"there is no {_file(paths)}",
            next_command="sandbox up --context NAME",
        )
    return Tools(kubeconfig=None, namespace=record["namespace"], context=record["context"])


def wanted(config: Config, paths: StatePaths) -> Tools:
    """The tools, aimed at the cluster that is asked for.

    Raises ConfigurationError for none, for one that the kubeconfig does not have, and for another one than before.
    """
    before = _recorded(paths).get("context", "")
    context = config.cluster.context or before
    known = cluster_checks.contexts()
    if context not in known:
        raise ConfigurationError(
            f"the kubeconfig has no context {context!r}" if context else "which cluster? cluster.context is not set",
            why=f"it has: {', '.join(known)}" if known else "it has none at all",
            next_command="kubectl config get-contexts --output name",
        )
    if before and before != context:
        raise ConfigurationError(
            f"sandbox {paths.name} is deployed on the context {before}, not on {context}",
            why="one name stands for one release",
            next_command=f"sandbox up --context {context} --name {paths.name}-2    (or first: sandbox down)",
        )
    return Tools(kubeconfig=None, namespace=config.cluster.namespace, context=context)


def reached(config: Config, paths: StatePaths) -> str:
    """Which cluster is meant, and that it answers: for `sandbox doctor`."""
    tools = wanted(config, paths)
    return f"; {tools.context}: Kubernetes {cluster_checks.reach(tools)}"


def up(plan: Plan, *, explicit: Collection[str], progress: Progress) -> None:
    """See Backend.up: the release is installed or upgraded; what the cluster must have before is checked first."""
    paths, config = plan.paths, plan.config
    check_tools(("helm", "kubectl"))
    make_private(paths.root)
    tools = wanted(config, paths)
    with progress.step("cluster") as step:
        version = cluster_checks.reach(tools)
        step.done(f"{tools.context}, Kubernetes {version}")
    files = [paths.project / each for each in config.cluster.values]
    chart = kind_release.chart_folder(config, paths.root / "chart", tools)
    with progress.step("checks") as step:
        values = cluster_checks.effective_values(chart, PROFILE, files)
        cluster_checks.values_are_complete(values, files)
        is_new = cluster_checks.namespace_is_ours(tools)
        cluster_checks.may_install(tools)
        cluster_checks.secrets_are_there(tools, values, namespace_exists=not is_new)
        step.done(f"namespace {tools.namespace}")
    if is_new:
        kind_release.namespace(tools, enforce=cluster_checks.pod_security(values))
    kind_release.install(chart, {}, PROFILE, tools, progress, files=files)
    kind_wait.remove_broken(tools)
    kind_wait.until_ready(tools, timeout_seconds=2 * config.limits.up_seconds, progress=progress)
    with progress.step("airflow") as step:
        if complaint := _ask(tools):
            raise ServiceNotHealthy("Airflow is not healthy", why=complaint, next_command=tools.hint("get pods"))
        step.done(tools.hint(f"port-forward service/{kind_release.API_SERVER} 8080:8080"))
    write_private(_file(paths), json.dumps({"context": tools.context, "namespace": tools.namespace}))


def _ask(tools: Tools) -> str:
    """What Airflow says is wrong with it; empty when nothing is."""
    where = f"deployment/{kind_release.API_SERVER}"
    try:
        tools.kubectl("exec", where, "--container", "api-server", "--", "python", "-c", HEALTH)
    except SandboxError as error:
        return error.why.splitlines()[-1] if error.why else error.what
    return ""


def down(paths: StatePaths, progress: Progress) -> bool:
    """See Backend.down. The release is not this machine's: it stays, and the command that removes it is said."""
    record = _recorded(paths)
    if record:
        _file(paths).unlink()
        progress.note(
            f"the release stays on {record['context']}; to remove it: helm --kube-context {record['context']} "
            f"uninstall {kind_release.RELEASE} --namespace {record['namespace']}"
        )
    return bool(record)


def erase(paths: StatePaths, progress: Progress) -> None:
    """See Backend.erase: nothing of it is on this machine."""


def end(paths: StatePaths, services: Collection[str]) -> None:
    """See Backend.end: the pods are replaced one after the other."""
    tools = tools_of(paths)
    for item in tools.get("deployments,statefulsets"):
        if item["spec"]["template"]["metadata"]["labels"].get("component") in services:
            tools.kubectl("rollout", "restart", f"{item['kind'].lower()}/{item['metadata']['name']}")


def status(paths: StatePaths) -> SandboxStatus:
    """See Backend.status: the components of Airflow; its API is asked in its own pod."""
    services: tuple[ServiceStatus, ...] = ()
    if _recorded(paths):
        tools = tools_of(paths)
        try:
            pods = tools.get("pods")
            complaint = _ask(tools)
        except SandboxError as error:
            pods, complaint = [], error.why.splitlines()[-1] if error.why else error.what
        services = tuple(_part(part, pods, complaint if part == "api-server" else "") for part in PARTS)
        services = kind_volumes.blamed(services, pods, tools)
    return SandboxStatus(name=paths.name, backend=NAME, services=services, credentials_file=paths.credentials_file)


def _part(part: str, pods: Iterable[Mapping[str, Any]], complaint: str) -> ServiceStatus:
    mine = kind_wait.ready_by_pod(pods, part)
    sick = [name for name, ready in mine.items() if not ready]
    complaint = complaint or ("there is no pod" if not mine else f"not ready: {', '.join(sick)}" if sick else "")
    return ServiceStatus(
        name=part,
        title=part,
        healthy=not complaint,
        url="",
        detail=complaint or f"{len(mine)} of {len(mine)} ready",
        where={"pod": next(iter(mine), None)},
        started=None,
    )


def context(paths: StatePaths) -> ServiceContext:
    """See Backend.context: a release on a cluster has no addresses on this machine."""
    tools = tools_of(paths)
    raise ConfigurationError(
        f"what runs on {tools.context} is reached where its owner publishes it, not by this command",
        why="S3 and Databricks are the cloud's own there, and Airflow is behind its ingress",
        next_command=tools.hint(f"port-forward service/{kind_release.API_SERVER} 8080:8080"),
    )


def logs(paths: StatePaths) -> Mapping[str, tuple[LogSource, ...]]:
    """See Backend.logs."""
    tools = tools_of(paths)
    return {
        part: (
            CommandLog(
                title=part,
                argv=(*tools.kubectl_words, "logs", "--all-containers", "--prefix", f"--selector=component={part}"),
                lines="--tail",
                follow="--follow",
            ),
        )
        for part in PARTS
    }
