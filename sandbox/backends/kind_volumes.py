"""Are the volumes of a release full: said instead of what a full volume makes its services say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sandbox.backends.base import ServiceStatus
from sandbox.backends.kind_tools import Tools
from sandbox.errors import PrerequisiteMissing

FULL_KIB = 1024
FULL_WORDS = "no space left on device"


@dataclass(frozen=True, kw_only=True)
class Mounted:
    """A volume that outlives its pod, where a container writes to it."""

    pod: str
    container: str
    path: str
    claim: str

    def __str__(self) -> str:
        return f"the volume {self.claim} of pod {self.pod} is full"


def full(pods: Iterable[Mapping[str, Any]], tools: Tools) -> Mounted | None:
    """The first volume that has no room any more; None when all have, or when none can be asked.

    A container that runs is asked with `df`; of one that crashes, the last log tells.
    """
    for mounted in _mounted(pods):
        free = _free_kib(mounted, tools)
        if free is not None and free < FULL_KIB:
            return mounted
        if free is None and FULL_WORDS in _last_words(mounted, tools):
            return mounted
    return None


def blamed(
    services: Iterable[ServiceStatus], pods: Iterable[Mapping[str, Any]], tools: Tools
) -> tuple[ServiceStatus, ...]:
    """The services; those that are not healthy say so where a full volume is the reason."""
    found = tuple(services)
    if all(service.healthy for service in found) or not (reason := full(pods, tools)):
        return found
    return tuple(
        service if service.healthy else replace(service, detail=f"{reason}; {service.detail}") for service in found
    )


def refuse_full(pods: Iterable[Mapping[str, Any]], tools: Tools) -> None:
    """Raise PrerequisiteMissing when a volume is full: whatever else goes wrong then is its consequence."""
    found = full(pods, tools)
    if found is None:
        return
    larger = f"""patch pvc {found.claim} --patch '{{"spec": {{"resources": {{"requests": {{"storage": "…Gi"}}}}}}}}'"""
    raise PrerequisiteMissing(
        str(found),
        why="what is on it is not lost, but nothing can be written",
        next_command=(
            "docker system df    (the volumes of kind are on Docker's disk; make room, then: sandbox up)"
            if tools.kubeconfig
            else f"{tools.hint(larger)}    (where its storage class can grow volumes; then: sandbox up)"
        ),
    )


def _free_kib(mounted: Mounted, tools: Tools) -> int | None:
    """What `df` says in the container, in KiB; None where the container does not run."""
    asked = ("exec", mounted.pod, "--container", mounted.container, "--", "df", "-Pk", mounted.path)
    fields = tools.kubectl(*asked, check=False).rstrip().rpartition("\n")[2].split()
    return int(fields[3]) if len(fields) >= 4 and fields[3].isdigit() else None


def _last_words(mounted: Mounted, tools: Tools) -> str:
    logs = ("logs", mounted.pod, "--container", mounted.container, "--tail=20")
    return (tools.kubectl(*logs, check=False) + tools.kubectl(*logs, "--previous", check=False)).lower()


def _mounted(pods: Iterable[Mapping[str, Any]]) -> Iterator[Mounted]:
    for pod in pods:
        claims = {
            volume["name"]: volume["persistentVolumeClaim"]["claimName"]
            for volume in pod["spec"].get("volumes", ())
            if "persistentVolumeClaim" in volume and not volume["persistentVolumeClaim"].get("readOnly")
        }
        for container in pod["spec"]["containers"]:
            for mount in container.get("volumeMounts", ()):
                if mount["name"] in claims and not mount.get("readOnly"):
                    yield Mounted(
                        pod=pod["metadata"]["name"],
                        container=container["name"],
                        path=mount["mountPath"],
                        claim=claims[mount["name"]],
                    )
