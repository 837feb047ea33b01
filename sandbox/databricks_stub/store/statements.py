"""SQL statements: what was asked, what became of it, and the answer."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.databricks_stub.clock import Clock, Ids
from sandbox.databricks_stub.store.database import Database, dump

KEPT_STATEMENTS = 200
"""Answers can be large; Databricks closes a statement an hour after its end, we keep the last ones."""

OPEN = ("PENDING", "RUNNING")


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A row of statements; `result` is {"columns": …, "rows": …, "truncated": …} once it SUCCEEDED."""

    statement_id: str
    request: Mapping[str, Any]
    state: str
    error: str | None
    result: Mapping[str, Any] | None

    @property
    def is_terminal(self) -> bool:
        """Whether nothing follows."""
        return self.state not in OPEN


class StatementStore:
    """Statements, durable, so that a client which asks again after a restart learns what happened."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids

    def create(self, request: Mapping[str, Any]) -> str:
        """Keep a new PENDING statement; its id."""
        statement_id = self._ids.text()
        with self._database.transaction():
            self._database.execute(
                "insert into statements (statement_id, request, state, created_time) values (?, ?, 'PENDING', ?)",
                (statement_id, dump(request), self._clock.now_ms()),
            )
            self._database.execute(
                "delete from statements where state not in ('PENDING', 'RUNNING') and statement_id not in "
                "(select statement_id from statements order by created_time desc, rowid desc limit ?)",
                (KEPT_STATEMENTS,),
            )
        return statement_id

    def find(self, statement_id: str) -> Statement | None:
        """The statement of that id."""
        row = self._database.row("select * from statements where statement_id=?", (statement_id,))
        return None if row is None else _statement(row)

    def move(
        self, statement_id: str, state: str, *, error: str | None = None, result: Mapping[str, Any] | None = None
    ) -> bool:
        """Take an open statement to a state; False when it has already ended (a cancelled one stays cancelled)."""
        touched = self._database.execute(
            "update statements set state=?, error=?, result=? where statement_id=? and state in ('PENDING', 'RUNNING')",
            (state, error, None if result is None else dump(result), statement_id),
        )
        return touched == 1

    def close(self, statement_id: str) -> None:
        """Throw away the result of a statement that SUCCEEDED: its client has it, and does not ask again."""
        # Documented: https://docs.databricks.com/api/workspace/statementexecution/getstatement - CLOSED is this state
        self._database.execute(
            "update statements set state='CLOSED', result=null where statement_id=? and state='SUCCEEDED'",
            (statement_id,),
        )

    def abandon_open(self, error: str) -> None:
        """Fail what was open when the workspace stopped."""
        self._database.execute(
            "update statements set state='FAILED', error=? where state in ('PENDING', 'RUNNING')", (error,)
        )


def _statement(row: sqlite3.Row) -> Statement:
    return Statement(
        statement_id=row["statement_id"],
        request=json.loads(row["request"]),
        state=row["state"],
        error=row["error"],
        result=None if row["result"] is None else json.loads(row["result"]),
    )
