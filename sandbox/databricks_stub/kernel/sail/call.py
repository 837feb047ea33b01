"""What each command is given: a statement, with the session that it is for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.databricks_stub.kernel.sail.state import SessionState
from sandbox.databricks_stub.kernel.sql_text.statements import Statement


@dataclass(frozen=True, kw_only=True)
class Call:
    """A statement with the session that it is for; `run` lets Sail execute it."""

    spark: Any
    state: SessionState
    statement: Statement
    text: str
    run: Callable[..., Any]

    def nothing(self) -> Any:
        """The empty result of a command."""
        return self.run("SELECT 1 AS nothing WHERE false").drop("nothing")
