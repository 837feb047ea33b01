"""Parameters of a statement, from the protocol's form to the one that the statement API has and the kernel knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

NESTING = "ARRAY and MAP parameters within ARRAY and MAP parameters are not served by this fake workspace"


class UnknownParameter(Exception):
    """A parameter that cannot be passed on."""


def parameters(given: Sequence[Any]) -> list[dict[str, Any]]:
    """`name` is missing for those that stand for `?`; `arguments` are the items of an ARRAY or a MAP.

    Raises UnknownParameter.
    """
    return [_parameter(item) for item in given]


def _parameter(item: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"type": item.type or "STRING"}
    if item.name:
        found["name"] = item.name
    if item.arguments is not None:
        return found | {"arguments": [_argument(argument) for argument in item.arguments]}
    return found | {"value": _value(item.value)}


def _argument(item: Any) -> dict[str, Any]:
    if item.arguments:
        raise UnknownParameter(NESTING)
    return {"type": item.type or "STRING", "value": item.value}


def _value(value: Any) -> str | None:
    if value is None:
        return None
    for found in (value.stringValue, value.doubleValue, value.booleanValue):
        if found is not None:
            return str(found)
    return None
