"""What `up` tells the supervisor (launch.json) and what the supervisor tells everybody (state.json)."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from sandbox.health import Probe
from sandbox.paths import StatePaths, write_private
from sandbox.services.spec import ServiceContext
from sandbox.services.stored import context_from, to_plain

RELEASED = b"released"
"""What `up` writes to its supervisor's standard input when it is done, in whatever way; a pipe that closes without it
means that `up` was killed."""


class ServicePhase(StrEnum):
    """Where a supervised service is in its life."""

    STARTING = "starting"
    HEALTHY = "healthy"
    BACKOFF = "backoff"
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True)
class ServiceLaunch:
    """One service as the supervisor starts it: `env` is added to the supervisor's own environment.

    `files` is the digest of the files that were written for it: its settings.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    log: str
    probe: Probe
    stop_signal: str
    stop_seconds: float
    files: str = ""

    @property
    def fingerprint(self) -> str:
        """Changes when anything about the process changes, so that a running one is known to be outdated."""
        text = json.dumps([self.argv, dict(sorted(self.env.items())), self.cwd, self.files, self.probe.target])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Launch:
    """Everything the supervisor needs: the services' processes and the context of their on_ready steps."""

    services: tuple[ServiceLaunch, ...]
    context: ServiceContext


@dataclass(frozen=True, kw_only=True)
class ServiceState:
    """What is known of one service's process; `created` is the process's start time, which tells a reused pid apart."""

    name: str
    phase: ServicePhase
    pid: int | None = None
    created: float | None = None
    fingerprint: str = ""
    restarts: int = 0
    last_exit: str = ""
    detail: str = ""
    healthy_after_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class SupervisorState:
    """The whole of state.json; `leaving` is a supervisor that stops everything because its `up` was killed."""

    pid: int
    created: float
    services: Mapping[str, ServiceState] = field(default_factory=dict)
    leaving: bool = False


def write_launch(path: Path, launch: Launch) -> None:
    """Write launch.json, readable by the owner alone."""
    write_private(path, json.dumps(to_plain(launch), indent=1))


def read_launch(path: Path) -> Launch:
    """Read launch.json."""
    data = json.loads(path.read_text(encoding="utf-8"))
    services = []
    for item in data["services"]:
        probe = Probe(**(item["probe"] | {"healthy_paths": tuple(item["probe"]["healthy_paths"])}))
        services.append(ServiceLaunch(**(item | {"argv": tuple(item["argv"]), "probe": probe})))
    return Launch(services=tuple(services), context=context_from(data["context"]))


def write_state(path: Path, state: SupervisorState) -> None:
    """Write state.json atomically."""
    write_private(path, json.dumps(to_plain(state), indent=1))


def read_state(path: Path) -> SupervisorState | None:
    """Read state.json; None when there is none (no sandbox is up, or the last one was taken down)."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    services = {
        name: ServiceState(**(item | {"phase": ServicePhase(item["phase"])})) for name, item in data["services"].items()
    }
    return SupervisorState(
        pid=data["pid"], created=data["created"], services=services, leaving=data.get("leaving", False)
    )


def remove_traces(paths: StatePaths) -> None:
    """Remove what only a running sandbox needs: its sockets, and what the supervisor was told."""
    shutil.rmtree(paths.runtime, ignore_errors=True)
    paths.launch_file.unlink(missing_ok=True)
