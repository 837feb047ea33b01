"""Which loopback ports the services get: the configured one, or the next free one where that is a default."""

from __future__ import annotations

import json
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from sandbox.errors import ConfigurationError
from sandbox.paths import write_private
from sandbox.plan import Plan

PORTS_TO_TRY = 200


@dataclass(frozen=True, kw_only=True)
class PortChoice:
    """The ports by service, and a sentence for each that stepped aside."""

    ports: Mapping[str, int]
    notes: tuple[str, ...]


def is_free(port: int) -> bool:
    """Whether a server could bind this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def holder(port: int) -> str:
    """Who listens at `port`, in words; "another program" where this user may not know."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:  # macOS lets only root list everybody's
        return "another program"
    for connection in connections:
        listening = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
        if listening and connection.pid:
            try:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
            except psutil.NoSuchProcess:
                break
    return "another program"


def _next_free(port: int, taken: Collection[int]) -> int:
    for candidate in range(port + 1, min(port + PORTS_TO_TRY, 65536)):
        if candidate not in taken and is_free(candidate):
            return candidate
    raise ConfigurationError(f"no free port between {port} and {port + PORTS_TO_TRY}", next_command="ss -ltnp")


def choose(plan: Plan, *, explicit: Collection[str], held: Mapping[str, int], remembered: Path) -> PortChoice:
    """Give each service its port.

    `explicit` names the port settings that the user set: a busy one is an error, a busy default steps aside. `held` are
    the ports that living services of this sandbox already have. The ports of the last time, read from the file
    `remembered`, are preferred, so that addresses stay as they were.
    """
    last: dict[str, int] = json.loads(remembered.read_text()) if remembered.exists() else {}
    ports: dict[str, int] = {}
    notes: list[str] = []
    for service in plan.services:
        if service.port is None:
            continue
        wanted = service.port
        if service.name in held and (service.port_setting not in explicit or held[service.name] == wanted):
            ports[service.name] = held[service.name]
        elif wanted not in ports.values() and is_free(wanted):
            ports[service.name] = wanted
        elif service.port_setting in explicit:
            raise ConfigurationError(
                f"port {wanted} of {service.title} ({service.port_setting}) is busy",
                why=f"{holder(wanted)} listens there",
                next_command=f"ss -ltnp 'sport = :{wanted}'    (or set another {service.port_setting})",
            )
        else:
            before = last.get(service.name)
            usable = before is not None and before not in ports.values() and is_free(before)
            ports[service.name] = before if before is not None and usable else _next_free(wanted, ports.values())
            notes.append(
                f"{service.title} is on port {ports[service.name]}: {holder(wanted)} holds {wanted} "
                f"({service.port_setting})"
            )
    write_private(remembered, json.dumps(ports))
    return PortChoice(ports=ports, notes=tuple(notes))
