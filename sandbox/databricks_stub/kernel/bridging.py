"""Replaces methods of PySpark's classes, once in a process; the replacements act on the sandbox's own sessions only."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

_originals: dict[tuple[type, str], Any] = {}


def wrap(owner: type, name: str, make: Callable[[Any], Any]) -> None:
    """Replace a method by `make(original)`, once."""
    if (owner, name) in _originals:
        return
    original = getattr(owner, name)
    _originals[owner, name] = original
    setattr(owner, name, functools.wraps(original)(make(original)))


def original(owner: type, name: str) -> Any:
    """A method as PySpark has it."""
    return _originals.get((owner, name)) or getattr(owner, name)


def run_unbridged(spark: Any, statement: str) -> Any:
    """Execute a SQL statement just as PySpark would."""
    return original(type(spark), "sql")(spark, statement)
