"""Takes secrets out of texts, for the kernel, which knows what it has read, and for what is kept of a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

REDACTED = "[REDACTED]"


def redacted(value: Any, secrets: Iterable[str]) -> Any:
    """The value, a text or lists and dicts with texts in them, with every secret replaced."""
    # one secret may be a part of another
    return _replaced(value, sorted(set(secrets) - {""}, key=len, reverse=True))


def _replaced(value: Any, secrets: list[str]) -> Any:
    match value:
        case str():
            for secret in secrets:
                value = value.replace(secret, REDACTED)
            return value
        case dict():
            return {key: _replaced(item, secrets) for key, item in value.items()}
        case list() | tuple():
            return [_replaced(item, secrets) for item in value]
        case _:
            return value
