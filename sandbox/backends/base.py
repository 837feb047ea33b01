"""The Backend protocol: where the sandbox's services run, and what every such place can do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from sandbox.paths import StatePaths
from sandbox.plan import Plan
from sandbox.progress import Progress
from sandbox.services.spec import ServiceContext


class Capability(StrEnum):
    """What not every backend can do; docs/backend-contract.md says which can, and what a user does without."""

    LOGS_OUTLIVE_DOWN = "logs-outlive-down"
    """The logs are files of the state folder: `sandbox logs` shows them after `down`, too."""
    MOVABLE_PORTS = "movable-ports"
    """An `up` of a running sandbox may give a service another port."""
    RESIDENT_VALIDATOR = "resident-validator"
    """The running Airflow answers `sandbox validate`, in less than a second."""
    DOWN_REMOVES_EVERYTHING = "down-removes-everything"
    """After `down` nothing but data is left; elsewhere there is something stopped, which `reset` removes."""
    TASK_ISOLATION = "task-isolation"
    """Each task runs apart from all others and from the scheduler, in a pod of its own."""


@dataclass(frozen=True, kw_only=True)
class ServiceStatus:
    """One service as it is now: `detail` says what is wrong, or what is worth knowing; `where` names its process.

    `started` is when that process began: a later time says that it was restarted since.
    """

    name: str
    title: str
    healthy: bool
    url: str
    detail: str
    where: Mapping[str, int | str | None]
    started: datetime | None

    def as_json(self) -> dict[str, Any]:
        """The wire form of `sandbox status --json`."""
        return {
            "name": self.name,
            "healthy": self.healthy,
            "url": self.url,
            "detail": self.detail,
            **self.where,
            "started": self.started.isoformat(timespec="milliseconds") if self.started else None,
        }


@dataclass(frozen=True, kw_only=True)
class SandboxStatus:
    """A sandbox as it is now; `services` is empty when it is down."""

    name: str
    backend: str
    services: tuple[ServiceStatus, ...]
    credentials_file: Path

    @property
    def is_up(self) -> bool:
        """Whether anything of it runs, or should run."""
        return bool(self.services)

    @property
    def healthy(self) -> bool:
        """Whether everything of it works."""
        return self.is_up and all(service.healthy for service in self.services)

    def as_json(self) -> dict[str, Any]:
        """The wire form of `sandbox status --json`, schema 1."""
        return {
            "schema": 1,
            "name": self.name,
            "backend": self.backend,
            "healthy": self.healthy,
            "services": [service.as_json() for service in self.services],
            "credentials_file": str(self.credentials_file),
        }


@dataclass(frozen=True, kw_only=True)
class FileLog:
    """A log that is a file of this machine."""

    path: Path

    @property
    def title(self) -> str:
        """What its lines are prefixed with."""
        return self.path.stem


@dataclass(frozen=True, kw_only=True)
class CommandLog:
    """A log that a command prints: `lines` is its option for the last lines, `follow` its flag to go on."""

    title: str
    argv: tuple[str, ...]
    lines: str
    follow: str
    env: Mapping[str, str] = field(default_factory=dict)

    def command(self, lines: int, *, follow: bool) -> list[str]:
        """The command for the last `lines` lines: options before the last word, where all of them take options."""
        options = [self.lines, str(lines), *([self.follow] if follow else [])]
        return [*self.argv[:-1], *options, self.argv[-1]]


LogSource = FileLog | CommandLog


class Backend(Protocol):
    """A module with these members; each works from the state folder alone, so it works after a crash too.

    docs/backend-contract.md numbers what users may rely on; its tests run on every backend.
    """

    @property
    def CAPABILITIES(self) -> frozenset[Capability]:  # noqa: N802 - a module's constant
        """What it can do that not every backend can."""

    def up(self, plan: Plan, *, explicit: Collection[str], progress: Progress) -> None:
        """Start what does not run, repair what is broken, wait until all is healthy; undo nothing on failure.

        `explicit` names the settings that the user set. Raises PrerequisiteMissing, ConfigurationError (a port) or
        ServiceNotHealthy with the last lines of the log.
        """

    def down(self, paths: StatePaths, progress: Progress) -> bool:
        """Stop everything, leave no process, port or lock; returns whether there was anything to stop."""

    def status(self, paths: StatePaths) -> SandboxStatus:
        """Ask every service now."""

    def context(self, paths: StatePaths) -> ServiceContext:
        """Addresses and credentials of the running sandbox; raises ServiceNotHealthy when it is down."""

    def logs(self, paths: StatePaths) -> Mapping[str, tuple[LogSource, ...]]:
        """Where each service's logs are, by service."""

    def end(self, paths: StatePaths, services: Collection[str]) -> None:
        """End these services of a running sandbox; `up` starts them again."""

    def erase(self, paths: StatePaths, progress: Progress) -> None:
        """Delete what the sandbox holds outside its state folder (volumes); it is down."""
