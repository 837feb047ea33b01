"""Asset expressions as Airflow's API gives them, and what they still wait for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any


def asset_uris(expression: Mapping[str, Any] | None) -> list[str]:
    """Every asset URI that an expression names."""
    if not expression:
        return []
    if "asset" in expression:
        return [str(expression["asset"]["uri"])]
    return [uri for key in ("all", "any") for item in expression.get(key, []) for uri in asset_uris(item)]


def missing(expression: Mapping[str, Any] | None, have: Collection[str]) -> list[str]:
    """The URIs that must still get an event before the expression is satisfied; empty when it is."""
    if not expression:
        return []
    if "asset" in expression:
        uri = str(expression["asset"]["uri"])
        return [] if uri in have else [uri]
    if "any" in expression:
        wanting = [missing(item, have) for item in expression["any"]]
        return [] if not wanting or any(not item for item in wanting) else [uri for item in wanting for uri in item]
    return [uri for item in expression.get("all", []) for uri in missing(item, have)]
