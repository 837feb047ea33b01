"""The engines by name: how a notebook gets its `spark`. A new engine is one function and one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def _sail(request: dict[str, Any]) -> Any:
    from sandbox.databricks_stub.kernel.sail.session import create_session

    return create_session(
        request["engine"]["remote"],
        catalog=request["catalog"],
        schemas=request["schemas"],
        warehouse=Path(request["warehouse"]),
        volumes=request["volumes"],
    )


ENGINES: dict[str, Callable[[dict[str, Any]], Any]] = {"sail": _sail, "none": lambda request: None}


def _refresh_sail(spark: Any) -> None:
    from sandbox.databricks_stub.kernel.sail.session import refresh as refresh_session

    refresh_session(spark)


REFRESH: dict[str, Callable[[Any], None]] = {"sail": _refresh_sail}


def refresh(engine: str, spark: Any) -> None:
    """Let a long-lived session see the tables that others have made or dropped since."""
    REFRESH[engine](spark)
