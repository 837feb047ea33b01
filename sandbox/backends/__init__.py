"""The backends by name."""

from __future__ import annotations

from sandbox.backends import process
from sandbox.backends.base import Backend, SandboxStatus, ServiceStatus

BACKENDS: dict[str, Backend] = {"process": process}

__all__ = ["BACKENDS", "Backend", "SandboxStatus", "ServiceStatus"]
