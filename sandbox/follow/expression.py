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


def alias_in_words(name: str) -> str:
    """An alias beside URIs."""
    return f"the alias {name}"


def missing(expression: Mapping[str, Any] | None, have: Collection[str]) -> list[str]:
    """The assets and aliases that must still get an event before the expression is satisfied; empty when it is."""
    if not expression:
        return []
    if wanted := _wanted(expression):
        return [] if wanted in have else [wanted]
    if "any" in expression:
        wanting = [missing(item, have) for item in expression["any"]]
        return [] if not wanting or any(not item for item in wanting) else [uri for item in wanting for uri in item]
    return [uri for item in expression.get("all", []) for uri in missing(item, have)]


def _wanted(expression: Mapping[str, Any]) -> str:
    """What an expression without parts waits for; empty for one that has parts."""
    if "asset" in expression:
        return str(expression["asset"]["uri"])
    if "alias" in expression:
        return alias_in_words(expression["alias"]["name"])
    if "asset_ref" in expression:
        return f"an asset {next(iter(expression['asset_ref'].values()))}, which no DAG defines"
    return ""
