"""The backends by name."""

from __future__ import annotations

from sandbox.backends import cluster, docker, kind, process
from sandbox.backends.base import Backend, Capability, CommandLog, FileLog, LogSource, SandboxStatus, ServiceStatus
from sandbox.backends.kind_tools import Tools
from sandbox.paths import StatePaths

BACKENDS: dict[str, Backend] = {"process": process, "docker": docker, "kind": kind}


def backend_of(name: str) -> Backend:
    """A backend by its name, or the one that deploys to a cluster which is there already (`--context`)."""
    return cluster if name == cluster.NAME else BACKENDS[name]


def tools_of(name: str, paths: StatePaths) -> Tools | None:
    """The tools aimed at the release of a sandbox on Kubernetes; None for a backend without a cluster."""
    release = {"kind": kind.tools_of, cluster.NAME: cluster.tools_of}.get(name)
    return release(paths) if release else None


__all__ = [
    "BACKENDS",
    "Backend",
    "Capability",
    "CommandLog",
    "FileLog",
    "LogSource",
    "SandboxStatus",
    "ServiceStatus",
    "backend_of",
    "tools_of",
]
