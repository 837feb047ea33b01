"""Ports step aside when they are defaults, and are an error when the user chose them."""

from __future__ import annotations

import contextlib
import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import ports
from sandbox.config import Config
from sandbox.errors import ConfigurationError
from sandbox.paths import StatePaths
from sandbox.plan import Plan, PlannedService
from tests.unit.recorded import RecordedProgress

BELOW_EPHEMERAL = range(20_000, 30_000)
"""Ports that no system gives to whoever asks for any: what is free next to a busy one then stays free."""


@pytest.fixture
def busy_port() -> Iterator[int]:
    """A port of ours that is listened at; the two after it are free."""
    for port in random.sample(BELOW_EPHEMERAL, k=100):
        with socket.socket() as server, contextlib.suppress(OSError):
            server.bind(("127.0.0.1", port))
            server.listen()
            if ports.is_free(port + 1) and ports.is_free(port + 2):
                yield port
                return
    pytest.fail("no three free ports in a row")


def planned(name: str, title: str, port: int) -> PlannedService:
    return PlannedService(name=name, title=title, runtimes=(), port=port, port_setting=f"{name}.port")


def plan_for(folder: Path, port: int, *others: PlannedService) -> Plan:
    return Plan(
        name="default",
        backend="process",
        config=Config(),
        paths=StatePaths(project=folder, name="default"),
        services=(planned("s3", "S3", port), *others),
    )


def test_a_free_port_is_taken_as_it_is(tmp_path: Path, free_port: int, progress: RecordedProgress) -> None:
    """Nothing is said about a port that is free."""
    choice = ports.choose(plan_for(tmp_path, free_port), explicit=(), held={}, progress=progress)

    assert choice.ports == {"s3": free_port}
    assert progress.notes == []
    choice.reservations.close()


def test_a_busy_default_steps_aside_and_says_who_holds_it(
    tmp_path: Path, busy_port: int, progress: RecordedProgress
) -> None:
    """The next free port is used, the note names the holder, and the next `up` uses the same port again."""
    plan = plan_for(tmp_path, busy_port)

    first = ports.choose(plan, explicit=(), held={}, progress=progress)
    first.reservations.close()
    again = ports.choose(plan, explicit=(), held={}, progress=progress)

    assert first.ports["s3"] > busy_port
    assert str(busy_port) in progress.notes[0]
    assert again.ports == first.ports
    again.reservations.close()


def test_a_busy_port_that_the_user_set_is_an_error(tmp_path: Path, busy_port: int, progress: RecordedProgress) -> None:
    """What the user asked for is not silently replaced."""
    with pytest.raises(ConfigurationError, match=f"port {busy_port} of S3"):
        ports.choose(plan_for(tmp_path, busy_port), explicit={"s3.port"}, held={}, progress=progress)


def test_a_port_that_our_own_service_holds_is_kept(tmp_path: Path, busy_port: int, progress: RecordedProgress) -> None:
    """A repair finds the living services where they are."""
    choice = ports.choose(
        plan_for(tmp_path, busy_port), explicit={"s3.port"}, held={"s3": busy_port}, progress=progress
    )

    assert choice.ports == {"s3": busy_port}


@pytest.mark.parametrize(("explicit", "held"), [((), ()), (("archive.port",), ()), ((), ("archive",))])
def test_whoever_steps_aside_leaves_the_others_theirs(
    tmp_path: Path, busy_port: int, progress: RecordedProgress, explicit: tuple[str, ...], held: tuple[str, ...]
) -> None:
    """The port after a busy one is another service's, by default, by setting, or because it is about to bind it."""
    plan = plan_for(tmp_path, busy_port, planned("archive", "Archive mirror", busy_port + 1))

    choice = ports.choose(plan, explicit=explicit, held=dict.fromkeys(held, busy_port + 1), progress=progress)
    choice.reservations.close()

    assert choice.ports["archive"] == busy_port + 1
    assert choice.ports["s3"] > busy_port + 1
    assert len(progress.notes) == 1


def test_a_stranger_is_told_from_our_own_service(busy_port: int, free_port: int) -> None:
    """Who listens is a stranger unless it is said to be ours; at a port where nobody listens there is none."""
    assert f"(pid {os.getpid()})" in ports.stranger(busy_port, lambda _pid: False)
    assert ports.stranger(busy_port, lambda pid: pid == os.getpid()) == ""
    assert ports.stranger(free_port, lambda _pid: False) == ""


def test_a_listener_at_every_address_is_in_the_way_and_one_elsewhere_is_not() -> None:
    """127.0.0.1 is taken by whoever listens at 0.0.0.0; 127.0.0.2 is another address."""
    with socket.create_server(("0.0.0.0", 0)) as everywhere, socket.create_server(("127.0.0.2", 0)) as elsewhere:
        assert ports.stranger(everywhere.getsockname()[1], lambda _pid: False)
        assert not ports.stranger(elsewhere.getsockname()[1], lambda _pid: False)


def test_two_at_the_same_time_never_share_a_port(tmp_path: Path, free_port: int, progress: RecordedProgress) -> None:
    """A port that one `up` has chosen and not bound yet is not chosen by another."""
    first, second = (
        ports.choose(plan_for(tmp_path / name, free_port), explicit=(), held={}, progress=progress)
        for name in ("one", "two")
    )

    assert first.ports["s3"] == free_port
    assert second.ports["s3"] != free_port
    first.reservations.close()
    second.reservations.close()
