"""The kind backend: the official Airflow chart under our umbrella chart, on a Kind cluster of the sandbox's own."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox import health, images, ports
from sandbox.backends import kind_cluster as cluster
from sandbox.backends import kind_release as release
from sandbox.backends import kind_volumes, kind_wait
from sandbox.backends.base import Capability, CommandLog, LogSource, SandboxStatus, ServiceStatus
from sandbox.backends.containers import contained, inside, outside
from sandbox.backends.kind_images import Shipment
from sandbox.backends.kind_tools import Tools, check_tools
from sandbox.errors import SandboxError, ServiceNotHealthy
from sandbox.images import Image
from sandbox.images.docker import docker
from sandbox.images.registry import IMAGES
from sandbox.paths import StatePaths, make_private, write_private
from sandbox.plan import Plan
from sandbox.progress import Progress
from sandbox.services import SERVICES
from sandbox.services.spec import ServiceContext
from sandbox.services.stored import context_from, to_plain

CAPABILITIES = frozenset({Capability.TASK_ISOLATION})

POD_SECURITY = "baseline"
"""Restricted but for the container that gives host-path volumes to their users."""
FIRST_IMAGES = ("postgres", "airflow")
"""The database is migrated while the others are on their way."""
AIRFLOW_PARTS = ("api-server", "scheduler", "dag-processor", "triggerer")


def _file(paths: StatePaths) -> Path:
    return paths.root / "kind.json"


def _tools(paths: StatePaths, namespace: str) -> Tools:
    # Kind calls a cluster's context so
    context = f"kind-{cluster.cluster_name(paths)}"
    return Tools(kubeconfig=cluster.kubeconfig(paths), namespace=namespace, context=context)


def tools_of(paths: StatePaths) -> Tools:
    """The tools, aimed at the release of a sandbox that is up."""
    return _tools(paths, context(paths).config.kind.namespace)


def up(plan: Plan, *, explicit: Collection[str], progress: Progress) -> None:
    """See Backend.up."""
    paths, config = plan.paths, plan.config
    check_tools()
    docker(["info", "--format", "{{.ServerVersion}}"])
    make_private(paths.root)
    tools = _tools(paths, config.kind.namespace)
    choice = ports.choose(plan, explicit=explicit, held=_held_ports(paths), progress=progress)
    outer = outside(plan, choice.ports)
    inner = inside(outer, lambda name: release.API_SERVER if name == "airflow" else name)
    services = [contained(name, inner) for name in release.known_services()]
    # from here on the sandbox exists: `down` and `status` find it
    _remember(outer, {})
    with Shipment(paths, tools) as shipment:
        with ThreadPoolExecutor() as pool:
            building = pool.submit(_build, plan, shipment, progress)
            with contextlib.closing(choice.reservations):
                cluster.ensure(config, paths, choice.ports, tools, progress)
            built = building.result()
        first, others = _by_need(built)
        shipment.load((*first, *others))
        shipment.wait(first, f"images on the node: {', '.join(FIRST_IMAGES)}", progress)
        release.namespace(tools, enforce=POD_SECURITY)
        tools.apply(release.secrets(services, inner))
        chart = release.chart_folder(config, paths.root / "chart", tools)
        release.install(chart, release.values(config, services, built, inner), "kind", tools, progress)
        shipment.wait(others, "images on the node: the others", progress)
    kind_wait.remove_broken(tools)
    kind_wait.until_ready(tools, timeout_seconds=2 * config.limits.up_seconds, progress=progress)
    _remember(outer, _ready(outer, tools, progress))


def _build(plan: Plan, shipment: Shipment, progress: Progress) -> Mapping[str, Image]:
    """The images; those of a cluster that is still to be made are saved meanwhile."""
    built = images.build(tuple(IMAGES), plan.config, plan.paths.project, progress=progress)
    if not cluster.exists(plan.paths):
        first, others = _by_need(built)
        shipment.save((*first, *others))
    return built


def _by_need(built: Mapping[str, Image]) -> tuple[list[str], list[str]]:
    """The images that are needed first, and the others."""
    others = [image.reference for name, image in built.items() if name not in FIRST_IMAGES]
    return [built[name].reference for name in FIRST_IMAGES], others


def _held_ports(paths: StatePaths) -> dict[str, int]:
    """The ports of the cluster that runs: they cannot change while it exists."""
    if not _file(paths).exists() or not cluster.exists(paths):
        return {}
    running = "running" in cluster.nodes(paths).values()
    return dict(context(paths).ports) if running else {}


def _ready(outer: ServiceContext, tools: Tools, progress: Progress) -> dict[str, str]:
    """Wait until each service answers on this machine; returns what each one's `on_ready` says."""

    def wait(name: str) -> str:
        entry = SERVICES[name]
        with progress.step(entry.title) as step:
            try:
                health.wait_until(
                    lambda: health.check(entry.probe(outer)), timeout_seconds=outer.config.limits.up_seconds
                )
            except health.StillWaiting as error:
                kind_volumes.refuse_full(tools.get("pods"), tools)
                raise ServiceNotHealthy(
                    f"{entry.title} is not healthy after {outer.config.limits.up_seconds:.0f} s",
                    why=str(error),
                    next_command=f"sandbox logs {name}",
                ) from None
            detail = entry.on_ready(outer) if entry.on_ready else ""
            step.done(entry.url(outer))
            return detail

    with ThreadPoolExecutor() as pool:
        waits = {name: pool.submit(wait, name) for name in outer.ports}
        return {name: each.result() for name, each in waits.items()}


def _remember(outer: ServiceContext, details: Mapping[str, str]) -> None:
    write_private(_file(outer.paths), json.dumps({"context": to_plain(outer), "details": dict(details)}, indent=1))


def down(paths: StatePaths, progress: Progress) -> bool:
    """See Backend.down. The nodes are stopped, so that the cluster keeps its tables and history."""
    cluster.end_creation(paths)
    found = cluster.nodes(paths)
    _file(paths).unlink(missing_ok=True)
    if not found:
        return False
    tools = _tools(paths, "default")
    with progress.step("stop") as step:
        if not cluster.exists(paths):
            cluster.delete(paths, tools)
            step.done(f"sandbox {paths.name}: its cluster was half-made and is deleted")
            return True
        stopped = cluster.stop(paths)
        step.done(f"sandbox {paths.name}: {stopped} nodes stopped; `sandbox reset` deletes them")
    return stopped > 0


def end(paths: StatePaths, services: Collection[str]) -> None:
    """See Backend.end: their pods are replaced, those of the API server without a moment in which none answers."""
    tools = _tools(paths, context(paths).config.kind.namespace)
    wanted = [service for service in services if service in SERVICES]
    found = {item["metadata"]["name"]: item["kind"].lower() for item in tools.get("deployments,statefulsets")}
    names = [f"{release.RELEASE}-{part}" for part in AIRFLOW_PARTS if "airflow" in wanted]
    names += [SERVICES[name].container.pod for name in wanted if name != "airflow"]
    for name in dict.fromkeys(names):
        tools.kubectl("rollout", "restart", f"{found[name]}/{name}")


def erase(paths: StatePaths, progress: Progress) -> None:
    """See Backend.erase."""
    if cluster.nodes(paths):
        with progress.step("delete") as step:
            cluster.delete(paths, _tools(paths, "default"))
            step.done(cluster.cluster_name(paths))


def status(paths: StatePaths) -> SandboxStatus:
    """See Backend.status."""
    services: tuple[ServiceStatus, ...] = ()
    if _file(paths).exists():
        outer = context(paths)
        details: dict[str, str] = json.loads(_file(paths).read_text())["details"]
        pods = _pods(paths, outer)
        with ThreadPoolExecutor() as pool:
            services = tuple(
                pool.map(lambda name: _ask(name, pods, outer, details.get(name, "")), (*outer.ports, "postgres"))
            )
        if not isinstance(pods, str):
            services = kind_volumes.blamed(services, pods, tools_of(paths))
    return SandboxStatus(name=paths.name, backend="kind", services=services, credentials_file=paths.credentials_file)


def _pods(paths: StatePaths, outer: ServiceContext) -> list[dict[str, Any]] | str:
    """The pods, or why there is no list of them."""
    try:
        return _tools(paths, outer.config.kind.namespace).get("pods")
    except SandboxError as error:
        return error.why.splitlines()[-1] if error.why else error.what


def _ask(name: str, pods: list[dict[str, Any]] | str, outer: ServiceContext, detail: str) -> ServiceStatus:
    entry = SERVICES[name]
    complaint = health.check(entry.probe(outer)) if name in outer.ports else ""
    restarts, pod_name, started = 0, None, None
    if isinstance(pods, str):
        complaint = f"the cluster does not answer: {pods}"
    else:
        mine = [pod for pod in pods if _belongs(pod, name)]
        pod_name = mine[0]["metadata"]["name"] if mine else None
        states = [each for pod in mine for each in pod["status"].get("containerStatuses", ())]
        restarts = sum(each["restartCount"] for each in states)
        sick = [each["name"] for each in states if not each["ready"]]
        started = _started(states)
        if not mine:
            complaint = complaint or "there is no pod"
        elif sick:
            complaint = complaint or f"not ready: {', '.join(sick)}"
    parts = [complaint or detail, f"restarted {restarts} ×" if restarts else ""]
    return ServiceStatus(
        name=name,
        title=entry.title,
        healthy=not complaint,
        url=entry.url(outer) if name in outer.ports else "",
        detail="; ".join(part for part in parts if part),
        where={"pod": pod_name},
        started=started,
    )


def _started(states: Sequence[Mapping[str, Any]]) -> datetime | None:
    """When the newest of these containers began to run."""
    began = [each["state"]["running"]["startedAt"] for each in states if "running" in each.get("state", {})]
    return max(map(datetime.fromisoformat, began), default=None)


def _belongs(pod: Mapping[str, Any], service: str) -> bool:
    labels = pod["metadata"].get("labels", {})
    if pod["status"].get("phase") in ("Succeeded", "Failed"):
        return False
    if service == "airflow":
        return labels.get("component") in AIRFLOW_PARTS
    return bool(labels.get("app") == SERVICES[service].container.pod)


def context(paths: StatePaths) -> ServiceContext:
    """See Backend.context."""
    try:
        return context_from(json.loads(_file(paths).read_text(encoding="utf-8"))["context"])
    except FileNotFoundError:
        raise ServiceNotHealthy(
            f"sandbox {paths.name} is not up", why=f"there is no {_file(paths)}", next_command="sandbox up"
        ) from None


def logs(paths: StatePaths) -> Mapping[str, tuple[LogSource, ...]]:
    """See Backend.logs."""
    tools = _tools(paths, context(paths).config.kind.namespace)

    def of(title: str, *what: str) -> CommandLog:
        return CommandLog(
            title=title,
            argv=(*tools.kubectl_words, "logs", *what),
            lines="--tail",
            follow="--follow",
            env=tools.environment,
        )

    found: dict[str, tuple[LogSource, ...]] = {
        "airflow": tuple(
            of(f"airflow-{part}", "--all-containers", f"--selector=component={part}") for part in AIRFLOW_PARTS
        )
    }
    for name in SERVICES:
        if name != "airflow":
            pod = SERVICES[name].container.pod
            found[name] = (of(name, f"--container={name}", f"--selector=app={pod}"),)
    return found
