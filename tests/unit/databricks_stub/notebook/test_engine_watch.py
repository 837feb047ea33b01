"""The engine's end is seen, an engine that only says something is not taken for one that has ended."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from sandbox.databricks_stub.notebook.engine_watch import EngineDown, EngineWatch, address


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def remote(listener: socket.socket) -> str:
    return f"sc://127.0.0.1:{listener.getsockname()[1]}"


def eventually(predicate: Callable[[], bool]) -> bool:
    """Loopback delivers within milliseconds."""
    return any(predicate() for _ in range(100_000))


def test_an_engine_that_greets_has_not_ended_until_it_closes(listener: socket.socket) -> None:
    watch = EngineWatch(remote(listener), threading.Event())
    engine, _ = listener.accept()
    engine.sendall(b"settings" * 1000)
    assert not watch.has_ended()
    engine.close()
    assert eventually(watch.has_ended)
    watch.close()


def test_another_engine_at_the_same_place_is_not_the_same_one(listener: socket.socket) -> None:
    watch = EngineWatch(remote(listener), threading.Event())
    listener.accept()[0].close()
    again = EngineWatch(remote(listener), threading.Event())
    engine, _ = listener.accept()
    assert eventually(watch.has_ended)
    assert not again.has_ended()
    for item in (watch, again, engine):
        item.close()


def test_an_engine_that_is_not_there_is_an_error(listener: socket.socket) -> None:
    where = remote(listener)
    listener.close()
    with pytest.raises(EngineDown, match="does not answer at"):
        EngineWatch(where, threading.Event(), reach_seconds=0.01)


def test_kernels_without_spark_have_no_engine_to_watch() -> None:
    assert address("none://") is None
    assert not EngineWatch("none://", threading.Event()).has_ended()


def test_the_address_is_taken_from_the_remote() -> None:
    assert address("sc://127.0.0.1:15002/;user_id=x") == ("127.0.0.1", 15002)


@pytest.mark.timeout(30)
def test_waiting_for_an_engine_can_be_given_up(listener: socket.socket) -> None:
    where = remote(listener)
    listener.close()
    stop = threading.Event()
    stop.set()
    with pytest.raises(EngineDown):
        EngineWatch(where, stop, reach_seconds=60)
