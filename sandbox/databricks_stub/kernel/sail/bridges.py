"""Puts the bridges over Sail's gaps into PySpark's classes; they act on sessions of create_session only."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

MODULES = ("sql", "catalog_api", "readers", "writers", "dataframes", "delta_table")
"""Each has an `install()` that is called once in a process."""

_originals: dict[tuple[type, str], Any] = {}


def install() -> None:
    """Put all bridges in; again is harmless."""
    for name in MODULES:
        importlib.import_module(f"{__package__}.{name}").install()


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
