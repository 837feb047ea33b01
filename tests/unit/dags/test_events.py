"""stack_exchange.events: which snapshot the triggering events are about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stack_exchange.events import from_events


@dataclass(frozen=True)
class Asset:
    name: str


@dataclass(frozen=True)
class Event:
    timestamp: int
    extra: dict[str, Any]


def event(number: int) -> Event:
    return Event(timestamp=number, extra={"snapshot": f"2026010{number}T000000Z-a", "volume_path": f"path {number}"})


def test_takes_what_the_event_carries() -> None:
    """The usual case: one event for each asset."""
    events = {Asset("posts"): [event(1)], Asset("users"): [event(1)]}

    assert from_events(events, "posts", "volume_path") == "path 1"
    assert from_events(events, "users", "snapshot") == "20260101T000000Z-a"


def test_takes_the_newest_when_several_wait() -> None:
    """In whatever order they come."""
    events = {Asset("posts"): [event(2), event(1)], Asset("users"): [event(1), event(2)]}

    assert from_events(events, "posts", "volume_path") == "path 2"


def test_never_mixes_two_snapshots() -> None:
    """When the other asset's event of the newest snapshot has not arrived yet."""
    events = {Asset("posts"): [event(1), event(2)], Asset("users"): [event(1)]}

    assert from_events(events, "posts", "volume_path") == "path 1"
    assert from_events(events, "users", "volume_path") == "path 1"


def test_says_nothing_when_nobody_said_anything() -> None:
    """A dag_run by hand has no events; an asset marked by hand has an event without extra."""
    assert from_events({}, "posts", "volume_path") == ""
    assert from_events({Asset("posts"): [Event(1, {})], Asset("users"): [Event(1, {})]}, "posts", "snapshot") == ""
