"""What the events that triggered a dag_run said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def from_events(triggering_asset_events: Mapping[Any, Iterable[Any]], asset: str, key: str) -> str:
    """A value of the newest event's extra, or "" when no event triggered the dag_run (somebody did).

    Posts and users are published together; should events of two snapshots be waiting, both assets answer for the
    newest one.
    """
    extras = {
        source.name: [event.extra for event in sorted(events, key=lambda event: event.timestamp)]
        for source, events in triggering_asset_events.items()
    }
    snapshots = [{extra.get("snapshot", "") for extra in found} for found in extras.values()]
    newest = max(set.intersection(*snapshots), default="") if snapshots else ""
    matching = [extra for extra in extras.get(asset, ()) if extra.get("snapshot", "") == newest]
    return str(matching[-1].get(key, "")) if matching else ""
