"""A service that dies while a chain is followed is waited for, but not for ever."""

from __future__ import annotations

import time

import httpx
import pytest

from sandbox.clients.http import ApiAnswer
from sandbox.errors import ServiceNotHealthy
from sandbox.follow.watch import OUTAGE_SECONDS, Patience, pause_seconds


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """A clock that a test moves."""
    clock = {"seconds": 1000.0}
    monkeypatch.setattr(time, "monotonic", lambda: clock["seconds"])
    return clock


def gone() -> ServiceNotHealthy:
    return ServiceNotHealthy("airflow does not answer: GET http://a", why="Connection refused")


def test_an_outage_is_said_once_and_waited_for(now: dict[str, float]) -> None:
    """When it lasts too long, the error says that the work itself is not lost, and what repairs the service."""
    notes: list[str] = []
    patience = Patience(notes.append)

    patience.spend(gone())
    now["seconds"] += OUTAGE_SECONDS - 1
    patience.spend(gone())
    now["seconds"] += 2
    with pytest.raises(ServiceNotHealthy, match="airflow does not answer") as caught:
        patience.spend(gone())

    assert len(notes) == 1
    assert "goes on when it is back" in caught.value.why
    assert "sandbox up" in caught.value.next_command


def test_an_outage_that_ends_is_forgotten(now: dict[str, float]) -> None:
    """The next one has all the time again."""
    notes: list[str] = []
    patience = Patience(notes.append)
    patience.spend(gone())

    patience.restore()
    now["seconds"] += OUTAGE_SECONDS * 2
    patience.spend(gone())

    assert len(notes) == 2


def test_a_refusal_is_final(now: dict[str, float]) -> None:
    """404 and the like are answers: waiting changes nothing."""
    request = httpx.Request("GET", "http://a/x")
    refusal = ApiAnswer("airflow", "GET", str(request.url), httpx.Response(404, request=request, text="not found"))

    with pytest.raises(ApiAnswer):
        Patience(lambda _: None).spend(refusal)


def test_looks_are_rarer_while_nothing_changes() -> None:
    """A change is seen a tenth of its time late at most, and never more than a second."""
    assert [pause_seconds(unchanged) for unchanged in (0.0, 2.0, 5.0, 60.0)] == [0.3, 0.3, 0.5, 1.0]
