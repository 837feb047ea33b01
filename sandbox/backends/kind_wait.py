"""Wait for a release: ready, or the pod that will never be, with its events and the end of its log."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox import health
from sandbox.backends import kind_volumes
from sandbox.backends.kind_tools import Tools
from sandbox.errors import PrerequisiteMissing, SandboxError, ServiceNotHealthy
from sandbox.progress import Progress

INTERVAL_SECONDS = 0.5
UNSCHEDULABLE_SECONDS = 20.0
REFUSED_SECONDS = 15.0
"""A registry that stumbles and a Secret that has not reached the node yet are tried again, and mostly come."""
UNBOUND_SECONDS = 90.0
"""The controller that binds volumes begins after the nodes, and then again whenever it loses its lease."""
CRASHES = 3
WAITER = "wait-for-airflow-migrations"
"""The container of Airflow's chart that ends with an error for as long as there is no migrated database."""
LOG_LINES = 20
NO_IMAGE = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull")
HOPELESS = (
    *NO_IMAGE,
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
)


def until_ready(tools: Tools, *, timeout_seconds: float, progress: Progress) -> None:
    """Return when every Deployment, StatefulSet and Job of the namespace is done with rolling out.

    Raises ServiceNotHealthy early for a pod that crashes again and again, whose image cannot be pulled, or which no
    node has room for; PrerequisiteMissing where the reason is a volume that is full.
    """
    watch = _Watch(tools)
    with progress.step("pods") as step:

        def complaint() -> str:
            pods = tools.get("pods")
            waiting = _rolling(tools)
            migrated = not any(each.startswith("job ") for each in waiting)
            for pod in pods:
                watch.judge(pod, migrated=migrated)
            if waiting:
                step.update(f"waiting for {', '.join(waiting[:4])}{' …' if len(waiting) > 4 else ''}")
            return ", ".join(waiting)

        try:
            health.wait_until(complaint, timeout_seconds=timeout_seconds, interval_seconds=INTERVAL_SECONDS)
        except health.StillWaiting as error:
            kind_volumes.refuse_full(tools.get("pods"), tools)
            raise ServiceNotHealthy(
                f"not ready after {timeout_seconds:.0f} s: {error}",
                why=_events(tools),
                next_command=tools.hint("get pods"),
            ) from None
        step.done("all ready")


def remove_broken(tools: Tools) -> None:
    """Delete the pods that crash or wait in vain from before: their successors start at once and without back-off.

    A StatefulSet whose pod is broken does not roll on an upgrade at all.
    """
    for pod in tools.get("pods"):
        labels = pod["metadata"].get("labels", {})
        states = (*pod["status"].get("initContainerStatuses", ()), *pod["status"].get("containerStatuses", ()))
        reasons = {each.get("state", {}).get("waiting", {}).get("reason", "") for each in states}
        if labels.get("component") != "worker" and reasons & {"CrashLoopBackOff", *HOPELESS}:
            tools.kubectl("delete", "pod", pod["metadata"]["name"], "--wait=false")


def ready_by_pod(pods: Iterable[Mapping[str, Any]], component: str) -> dict[str, bool]:
    """The pods of a component that are not done, and whether all of their containers are ready."""
    return {
        pod["metadata"]["name"]: bool(pod["status"].get("containerStatuses"))
        and all(each["ready"] for each in pod["status"]["containerStatuses"])
        for pod in pods
        if pod["metadata"].get("labels", {}).get("component") == component
        and pod["status"].get("phase") not in ("Succeeded", "Failed")
    }


def _rolling(tools: Tools) -> list[str]:
    found = []
    for item in tools.get("deployments,statefulsets,jobs"):
        name, kind, status = item["metadata"]["name"], item["kind"], item.get("status", {})
        if kind == "Job":
            # those of the backup's CronJob have an owner, and their own time
            if not status.get("succeeded") and not item["metadata"].get("ownerReferences"):
                found.append(f"job {name}")
            continue
        wanted = item["spec"].get("replicas", 1)
        current = status.get("observedGeneration", 0) >= item["metadata"]["generation"]
        updated = status.get("updatedReplicas", 0)
        if (
            not current
            or updated < wanted
            or status.get("readyReplicas", 0) < wanted
            or status.get("replicas", 0) > wanted
        ):
            found.append(name)
    return found


class _Watch:
    """What was seen of the pods since the wait began; crashes before it are of no account."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._homeless_since: dict[str, float] = {}
        self._refused_since: dict[tuple[str, str], float] = {}
        self._restarts_before: dict[tuple[str, str], int] = {}

    def judge(self, pod: Mapping[str, Any], *, migrated: bool) -> None:
        """Raise for a pod that will not become ready by waiting; worker pods of tasks are Airflow's business.

        `migrated`: whether the job that prepares the database is done, so that nobody has to wait for it any more.
        """
        labels = pod["metadata"].get("labels", {})
        if labels.get("component") == "worker" or "dag_id" in labels or pod["metadata"].get("deletionTimestamp"):
            return
        self._judge_place(pod)
        status = pod["status"]
        for each in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
            self._judge_container(pod["metadata"], each, migrated=migrated)

    def _judge_place(self, pod: Mapping[str, Any]) -> None:
        name = pod["metadata"]["name"]
        for condition in pod["status"].get("conditions", ()):
            if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
                message = condition.get("message", "")
                patience = UNBOUND_SECONDS if "PersistentVolumeClaim" in message else UNSCHEDULABLE_SECONDS
                if time.monotonic() - self._homeless_since.setdefault(name, time.monotonic()) > patience:
                    raise _failed(f"pod {name} finds no node", message, name, self._tools)

    def _judge_container(self, pod: Mapping[str, Any], status: Mapping[str, Any], *, migrated: bool) -> None:
        name, waiting = pod["name"], status.get("state", {}).get("waiting", {})
        reason, restarts = waiting.get("reason", ""), status.get("restartCount", 0)
        key = (pod["uid"], status["name"])
        if reason not in HOPELESS:
            self._refused_since.pop(key, None)
        elif time.monotonic() - self._refused_since.setdefault(key, time.monotonic()) > REFUSED_SECONDS:
            if reason in NO_IMAGE:
                raise PrerequisiteMissing(
                    f"pod {name} has no image {status['image']}",
                    why=waiting.get("message", reason),
                    next_command="sandbox images build && sandbox up    (or name a reachable registry's image)",
                )
            raise _failed(f"pod {name}: {reason}", waiting.get("message", ""), name, self._tools)
        if status["name"] == WAITER and not migrated:
            self._restarts_before[key] = restarts
        before = self._restarts_before.setdefault(key, restarts)
        if reason == "CrashLoopBackOff" and restarts - before >= CRASHES:
            last = status.get("lastState", {}).get("terminated", {})
            what = f"pod {name} crashes: container {status['name']} ended with exit code {last.get('exitCode')}"
            if last.get("reason") == "OOMKilled":
                what += ", out of memory"
            raise _failed(what, "", name, self._tools, container=status["name"])


def _failed(what: str, why: str, pod: str, tools: Tools, *, container: str = "") -> ServiceNotHealthy:
    log = ""
    if container:
        kind_volumes.refuse_full(tools.get("pods"), tools)
        arguments = ("logs", pod, "--container", container, f"--tail={LOG_LINES}", "--previous")
        log = tools.kubectl(*arguments, check=False) or tools.kubectl(*arguments[:-1], check=False)
    parts = [why, log, _events(tools, pod)]
    return ServiceNotHealthy(
        what, why="\n".join(part.strip() for part in parts if part), next_command=tools.hint(f"describe pod {pod}")
    )


def _events(tools: Tools, pod: str = "") -> str:
    """The last warnings, of one pod or of all."""
    selector = "type!=Normal" + (f",involvedObject.name={pod}" if pod else "")
    try:
        found = tools.get("events", "--field-selector", selector, "--sort-by", ".lastTimestamp")
    except SandboxError as error:
        return f"(events cannot be read: {error.what})"
    return "\n".join(
        f"{item['involvedObject']['name']}: {item['reason']}: {item['message'].splitlines()[0]}" for item in found[-6:]
    )
