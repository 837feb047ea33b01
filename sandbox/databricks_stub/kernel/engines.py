"""The engines by name: how a notebook gets its `spark`. A new engine is a module and one line."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

PACKAGE = "sandbox.databricks_stub.kernel"
ENGINES = ("sail", "spark", "remote")
"""An engine called `name` lives in kernel/name; its `session` has create_session()."""
NONE = "none"
"""Kernels without Spark."""
REFRESH: dict[str, Callable[[Any], None]] = {"sail": lambda spark: _module("sail").refresh(spark)}
"""For engines whose sessions do not see by themselves what others have made."""


def create_session(request: dict[str, Any]) -> Any:
    """The session of a kernel; raises what the engine raises when it cannot be reached."""
    engine = request["engine"]
    if engine["name"] == NONE:
        return None
    return _module(engine["name"]).create_session(
        engine["remote"],
        catalog=request["catalog"],
        schemas=request["schemas"],
        warehouse=Path(request["warehouse"]),
        volumes=request["volumes"],
    )


def refresh(engine: str, spark: Any) -> None:
    """Let a long-lived session see the tables that others have made or dropped since."""
    if engine in REFRESH:
        REFRESH[engine](spark)


def warm_up(engine: str) -> None:
    """Import what sessions of an engine need; nothing here starts a thread or opens a connection."""
    if engine in ENGINES:
        _module(engine)


def _module(engine: str) -> Any:
    if engine not in ENGINES:
        raise ValueError(f"there is no engine called {engine!r}; there are: {', '.join(ENGINES)}")
    return import_module(f"{PACKAGE}.{engine}.session")
