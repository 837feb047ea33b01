"""Ports step aside when they are defaults, and are an error when the user chose them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import ports
from sandbox.config import Config
from sandbox.errors import ConfigurationError
from sandbox.paths import StatePaths
from sandbox.plan import Plan, PlannedService


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def plan_for(folder: Path, port: int) -> Plan:
    service = PlannedService(name="s3", title="S3", runtimes=(), port=port, port_setting="s3.port")
    return Plan(
        name="default",
        backend="process",
        config=Config(),
        paths=StatePaths(project=folder, name="default"),
        services=(service,),
    )


def test_a_free_port_is_taken_as_it_is(tmp_path: Path, free_port: int) -> None:
    """Nothing is said about a port that is free."""
    choice = ports.choose(plan_for(tmp_path, free_port), explicit=(), held={}, remembered=tmp_path / "ports.json")

    assert choice.ports == {"s3": free_port}
    assert choice.notes == ()
    choice.reservations.release()


def test_a_busy_default_steps_aside_and_says_who_holds_it(tmp_path: Path, busy_port: int) -> None:
    """The next free port is used, the note names the holder, and the next `up` uses the same port again."""
    plan = plan_for(tmp_path, busy_port)

    first = ports.choose(plan, explicit=(), held={}, remembered=tmp_path / "ports.json")
    first.reservations.release()
    again = ports.choose(plan, explicit=(), held={}, remembered=tmp_path / "ports.json")

    assert first.ports["s3"] > busy_port
    assert str(busy_port) in first.notes[0]
    assert again.ports == first.ports
    again.reservations.release()


def test_a_busy_port_that_the_user_set_is_an_error(tmp_path: Path, busy_port: int) -> None:
    """What the user asked for is not silently replaced."""
    with pytest.raises(ConfigurationError, match=f"port {busy_port} of S3"):
        ports.choose(plan_for(tmp_path, busy_port), explicit={"s3.port"}, held={}, remembered=tmp_path / "ports.json")


def test_a_port_that_our_own_service_holds_is_kept(tmp_path: Path, busy_port: int) -> None:
    """A repair finds the living services where they are."""
    choice = ports.choose(
        plan_for(tmp_path, busy_port), explicit={"s3.port"}, held={"s3": busy_port}, remembered=tmp_path / "ports.json"
    )

    assert choice.ports == {"s3": busy_port}


def test_two_at_the_same_time_never_share_a_port(tmp_path: Path, free_port: int) -> None:
    """A port that one `up` has chosen and not bound yet is not chosen by another."""
    first, second = (
        ports.choose(plan_for(tmp_path, free_port), explicit=(), held={}, remembered=tmp_path / name)
        for name in ("one.json", "two.json")
    )

    assert first.ports["s3"] == free_port
    assert second.ports["s3"] != free_port
    first.reservations.release()
    second.reservations.release()
