"""resolve(config, name) -> Plan: everything `up` would do, decided but not done; pure and printable."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.config import Config
from sandbox.paths import StatePaths
from sandbox.runtimes.project_locks import locked
from sandbox.runtimes.store import RuntimeRequest
from sandbox.services import SERVICES


@dataclass(frozen=True, kw_only=True)
class PlannedService:
    """One service: the runtimes that it needs and the port that it would like (None: it has no port)."""

    name: str
    title: str
    runtimes: tuple[RuntimeRequest, ...]
    port: int | None
    port_setting: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A sandbox before it exists."""

    name: str
    backend: str
    config: Config
    paths: StatePaths
    services: tuple[PlannedService, ...]

    @property
    def runtimes(self) -> tuple[RuntimeRequest, ...]:
        """Every runtime that some service needs, each once."""
        return tuple(dict.fromkeys(need for service in self.services for need in service.runtimes))


def resolve(config: Config, paths: StatePaths) -> Plan:
    """Decide which services run, in which runtimes, on which ports."""
    services = tuple(
        PlannedService(
            name=entry.name,
            title=entry.title,
            runtimes=locked(entry.runtimes(config), paths.project / config.airflow.locks),
            port=entry.default_port(config) if entry.default_port else None,
            port_setting=entry.port_setting,
        )
        for entry in SERVICES.values()
        # on a cluster nothing but Airflow runs, from images that its values name
        if config.backend != "cluster" and entry.enabled(config)
    )
    return Plan(name=paths.name, backend=config.backend, config=config, paths=paths, services=services)
