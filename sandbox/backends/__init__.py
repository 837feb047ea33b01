"""The backends by name."""

from __future__ import annotations

from sandbox.backends import docker, kind, process
from sandbox.backends.base import Backend, Capability, CommandLog, FileLog, LogSource, SandboxStatus, ServiceStatus

BACKENDS: dict[str, Backend] = {"process": process, "docker": docker, "kind": kind}

__all__ = ["BACKENDS", "Backend", "Capability", "CommandLog", "FileLog", "LogSource", "SandboxStatus", "ServiceStatus"]
