"""What this machine lacks for a backend, and how many cells it can run at once."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping

import psutil

ASK_SECONDS = 20.0
MEMORY_KEPT_MIB = 1024
"""What is left to the rest of the machine."""


@functools.cache
def lacks(backend: str) -> str:
    """What a backend needs and this machine has not; empty when nothing is missing."""
    check = _CHECKS.get(backend)
    return check() if check else ""


def _docker() -> str:
    if shutil.which("docker") is None:
        return "docker is not installed"
    try:
        asked = subprocess.run(
            ["docker", "info", "--format", "{{.ServerVersion}}"],
            capture_output=True,
            text=True,
            timeout=ASK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"Docker does not answer within {ASK_SECONDS:.0f} s"
    if asked.returncode != 0:
        lines = (asked.stderr.strip() or asked.stdout.strip() or f"exit code {asked.returncode}").splitlines()
        return f"Docker does not answer: {lines[-1]}"
    return ""


def _kind() -> str:
    missing = [name for name in ("kind", "helm", "kubectl") if shutil.which(name) is None]
    return f"not on PATH: {', '.join(missing)}" if missing else _docker()


_CHECKS: Mapping[str, Callable[[], str]] = {"docker": _docker, "kind": _kind}


def room_mib() -> int:
    """The memory that cells may take together now."""
    return max(0, int(psutil.virtual_memory().available / 1024**2) - MEMORY_KEPT_MIB)


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def jobs(places: int, *, wanted: int | None = None) -> int:
    """How many of the cells' places there are: as asked for, or one per core.

    A cell keeps more than half of two cores busy: more at once burn more than they share. No more than `places`, which
    is what all cells would take together.
    """
    return max(1, min(places, wanted or cores()))
