"""Which loopback ports the services get: the configured one, or the next free one where that is a default."""

from __future__ import annotations

import fcntl
import json
import socket
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from sandbox.errors import ConfigurationError
from sandbox.paths import make_private, user_runtime_folder, write_private
from sandbox.plan import Plan, PlannedService
from sandbox.progress import Progress

PORTS_TO_TRY = 200
ADDRESSES = ("127.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1")
"""Whoever listens at one of these keeps a service from 127.0.0.1."""
STRANGER = "another program"


class Reservations:
    """Ports promised to services that have not bound them yet, so that two `up` at the same time never share one.

    Each is a locked file; the locks end with `close`, or with the process that holds them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: list[IO[str]] = []

    def take(self, port: int) -> bool:
        """Reserve a port that is free; False when a server or another `up` has it."""
        file = (make_private(self._folder) / str(port)).open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        if not is_free(port):
            file.close()
            return False
        self._files.append(file)
        return True

    def close(self) -> None:
        """Let go of all."""
        for file in self._files:
            file.close()


@dataclass(frozen=True, kw_only=True)
class PortChoice:
    """The ports by service; `reservations` are to be held until all are bound."""

    ports: Mapping[str, int]
    reservations: Reservations


def is_free(port: int) -> bool:
    """Whether a server could bind this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _listeners(port: int) -> set[int | None]:
    """The pids of those who listen where a service of ours would; None is somebody whom this user may not know."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:  # macOS lets only root list everybody's
        return set()
    there = {(address, port) for address in ADDRESSES}
    return {
        connection.pid
        for connection in connections
        if connection.status == psutil.CONN_LISTEN and tuple(connection.laddr) in there
    }


def _describe(pid: int | None) -> str:
    try:
        return f"{psutil.Process(pid).name()} (pid {pid})" if pid else STRANGER
    except psutil.NoSuchProcess:
        return STRANGER


def holder(port: int) -> str:
    """Who listens at `port`, in words; "another program" where this user may not know."""
    return next((_describe(pid) for pid in _listeners(port) if pid), STRANGER)


def stranger(port: int, is_ours: Callable[[int], bool]) -> str:
    """Who listens at `port` in our service's stead, in words; empty when nobody does, or where no one may ask."""
    listeners = _listeners(port)
    if not listeners or any(pid and is_ours(pid) for pid in listeners):
        return ""
    return _describe(next(iter(listeners)))


def _next_free(port: int, promised: Collection[int], reservations: Reservations) -> int:
    for candidate in range(port + 1, min(port + PORTS_TO_TRY, 65536)):
        if candidate not in promised and reservations.take(candidate):
            return candidate
    raise ConfigurationError(f"no free port between {port} and {port + PORTS_TO_TRY}", next_command="ss -ltnp")


def choose(plan: Plan, *, explicit: Collection[str], held: Mapping[str, int], progress: Progress) -> PortChoice:
    """Give each service its port.

    `explicit` names the port settings that the user set: a busy one is an error (ConfigurationError), a busy default
    steps aside, which `progress` is told. `held` are the ports that living services of this sandbox already have, or
    are about to bind. The ports of the last time are preferred, so that addresses stay as they were.
    """
    remembered = plan.paths.root / "ports.json"
    last: dict[str, int] = json.loads(remembered.read_text()) if remembered.exists() else {}
    ports: dict[str, int] = {}
    refused: list[tuple[PlannedService, int]] = []
    reservations = Reservations(user_runtime_folder() / "ports")
    for service in plan.services:
        wanted = service.port
        if wanted is None:
            continue
        if service.name in held and (service.port_setting not in explicit or held[service.name] == wanted):
            ports[service.name] = held[service.name]
        elif reservations.take(wanted):
            ports[service.name] = wanted
        elif service.port_setting in explicit:
            raise ConfigurationError(
                f"port {wanted} of {service.title} ({service.port_setting}) is busy",
                why=f"{holder(wanted)} listens there",
                next_command=f"ss -ltnp 'sport = :{wanted}'    (or set another {service.port_setting})",
            )
        else:
            refused.append((service, wanted))
    # only now: whoever steps aside must not take what another service of this sandbox has or wants
    for service, wanted in refused:
        promised = ports.values()
        before = last.get(service.name)
        usable = before is not None and before not in promised and reservations.take(before)
        port = before if before is not None and usable else _next_free(wanted, promised, reservations)
        ports[service.name] = port
        progress.note(f"{service.title} is on port {port}: {holder(wanted)} holds {wanted} ({service.port_setting})")
    write_private(remembered, json.dumps(ports))
    return PortChoice(ports=ports, reservations=reservations)
