"""Puts the bridges over Sail's gaps into PySpark's classes; they act on sessions of create_session only."""

from __future__ import annotations

import importlib

MODULES = ("sql", "catalog_api", "readers", "writers", "dataframes")
"""Each has an `install()` that is called once in a process."""


def install() -> None:
    """Put all bridges in; again is harmless."""
    for name in MODULES:
        importlib.import_module(f"{__package__}.{name}").install()
