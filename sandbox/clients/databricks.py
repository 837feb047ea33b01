"""The workspace's REST API, as far as following job_runs and querying tables needs it.

Documented: https://docs.databricks.com/api/workspace/jobs and …/statementexecution
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.clients.http import Api
from sandbox.errors import TestsFailed

POLL_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class NotebookCell:
    """A cell of an executed notebook, counted from 1, and what it had printed."""

    number: int
    source: str
    output: str


class DatabricksClient:
    """The workspace of one sandbox."""

    def __init__(self, base_url: str, *, token: str) -> None:
        self.base_url = base_url
        self._api = Api(service="databricks", base_url=base_url, headers={"Authorization": f"Bearer {token}"})

    def jobs(self) -> list[dict[str, Any]]:
        """The jobs' definitions."""
        answer = self._api.request("GET", "/api/2.2/jobs/list", params={"expand_tasks": "true", "limit": 100})
        return list(answer.get("jobs", []))

    def job_run(self, run_id: int) -> dict[str, Any]:
        """One job_run with its tasks."""
        return dict(self._api.request("GET", "/api/2.2/jobs/runs/get", params={"run_id": run_id}))

    def run_output(self, task_run_id: int) -> dict[str, Any]:
        """The output of one task's run: notebook_output, error, error_trace."""
        return dict(self._api.request("GET", "/api/2.2/jobs/runs/get-output", params={"run_id": task_run_id}))

    def failed_notebook_cell(self, output: Mapping[str, Any]) -> NotebookCell | None:
        """The notebook cell that made a task fail, from its `run_output`; a field that only the sandbox has."""
        cell = (output.get("sandbox") or {}).get("failed_notebook_cell")
        if not cell:
            return None
        return NotebookCell(number=cell["index"], source=cell["source"], output=cell["output"])

    def cancel(self, run_id: int) -> None:
        """Cancel a job_run."""
        self._api.request("POST", "/api/2.2/jobs/runs/cancel", json={"run_id": run_id})

    def sql(self, statement: str, *, catalog: str, schema: str) -> dict[str, Any]:
        """Execute a statement; returns {"columns": [names], "rows": [[values]]}.

        Raises TestsFailed with the engine's message when the statement fails.
        """
        body = {
            "statement": statement,
            "warehouse_id": "sandbox",
            "catalog": catalog,
            "schema": schema,
            "wait_timeout": "50s",
            "on_wait_timeout": "CONTINUE",
            "format": "JSON_ARRAY",
            "disposition": "INLINE",
        }
        answer = self._api.request("POST", "/api/2.0/sql/statements", json=body)
        while answer["status"]["state"] in ("PENDING", "RUNNING"):
            time.sleep(POLL_SECONDS)
            answer = self._api.request("GET", f"/api/2.0/sql/statements/{answer['statement_id']}")
        if answer["status"]["state"] != "SUCCEEDED":
            error = answer["status"].get("error", {})
            raise TestsFailed(
                f"the statement failed: {error.get('error_code', answer['status']['state'])}",
                why=str(error.get("message", "")),
                next_command='sandbox sql "show tables"',
            )
        columns = answer.get("manifest", {}).get("schema", {}).get("columns", [])
        rows = [
            [_typed(value, column["type_name"]) for value, column in zip(row, columns, strict=True)]
            for row in answer.get("result", {}).get("data_array", [])
        ]
        return {"columns": [column["name"] for column in columns], "rows": rows}


def _typed(value: Any, type_name: str) -> Any:
    """JSON_ARRAY carries every value as a string; numbers and booleans become themselves again."""
    if not isinstance(value, str):
        return value
    match type_name:
        case "BYTE" | "SHORT" | "INT" | "LONG":
            return int(value)
        case "FLOAT" | "DOUBLE":
            return float(value)
        case "BOOLEAN":
            return value == "true"
        case _:
            return value
