"""What the real Airflow provider does against the workspace; run by Airflow's own interpreter, prints JSON.

`provider_client.py SCENARIO`: the connection `databricks_conn` comes by environment.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from airflow.providers.databricks.hooks import databricks as hooks
from airflow.providers.databricks.operators.databricks import DatabricksRunNowOperator, DatabricksSubmitRunOperator

try:
    from airflow.sdk.exceptions import TaskDeferred
except ImportError:
    from airflow.exceptions import TaskDeferred

CONNECTION = {"databricks_conn_id": "databricks_conn"}
FAST = {**CONNECTION, "polling_period_seconds": 1}


class TaskInstance:
    """Takes what operators push."""

    def __init__(self) -> None:
        self.pushed: dict[str, Any] = {}
        self.stats_tags: dict[str, str] = {}

    def xcom_push(self, key: str, value: Any, **_: Any) -> None:
        """Remember it."""
        self.pushed[key] = value


def execute(operator: Any) -> dict[str, Any]:
    """Run an operator to its end, its trigger included; what it pushed and how it failed."""
    instance = TaskInstance()
    context: Any = {"ti": instance, "task_instance": instance}
    try:
        try:
            operator.execute(context)
        except TaskDeferred as deferred:
            instance.pushed["deferred"] = True
            event = asyncio.run(_first_event(deferred.trigger))
            getattr(operator, deferred.method_name)(context, event)
    except Exception as error:
        instance.pushed["error"] = f"{type(error).__name__}: {error}"
    return instance.pushed


async def _first_event(trigger: Any) -> Any:
    async for event in trigger.run():
        return event.payload
    raise AssertionError("the trigger ended without an event")


def endpoints() -> dict[str, Any]:
    """Every endpoint constant of the installed provider."""
    return {
        name: value if isinstance(value, str) else list(value)
        for name, value in sorted(vars(hooks).items())
        if name.endswith("_ENDPOINT")
    }


def hook() -> dict[str, Any]:
    """The synchronous hook."""
    made = hooks.DatabricksHook(**CONNECTION)
    job_id = made.find_job_id_by_name("medallion")
    run_id = made.run_now({"job_id": job_id, "job_parameters": {"day": "2024-03-03"}})
    while not made.get_run_state(run_id).is_terminal:
        pass
    task_id = made.get_run(run_id)["tasks"][0]["run_id"]
    statement = made.post_sql_statement({"statement": "select 1", "warehouse_id": "x", "wait_timeout": "0s"})
    while not made.get_sql_statement_state(statement).is_terminal:
        pass
    slow = made.run_now({"job_id": made.find_job_id_by_name("slow")})
    made.cancel_run(slow)
    while not made.get_run_state(slow).is_terminal:
        pass
    return {
        "test_connection": made.test_connection(),
        "job_id": made.get_job_id(run_id),
        "none": made.find_job_id_by_name("no such job"),
        "state": made.get_run_state(run_id).result_state,
        "page": made.get_run_page_url(run_id),
        "output": made.get_run_output(task_id)["notebook_output"]["result"],
        "latest_repair_id": made.get_latest_repair_id(run_id),
        "statement": made.get_sql_statement_state(statement).state,
        "cancelled": made.get_run_state(slow).result_state,
        "jobs": len(made.list_jobs(limit=1)),
    }


def operators() -> dict[str, Any]:
    """The operators, waiting and deferrable, on good and bad days."""
    notebook = {"notebook_task": {"notebook_path": "/Workspace/notebooks/some"}}
    return {
        "run_now": execute(DatabricksRunNowOperator(task_id="a", job_name="medallion", **FAST)),
        "deferrable": execute(DatabricksRunNowOperator(task_id="b", job_name="napping", deferrable=True, **FAST)),
        "failing": execute(DatabricksRunNowOperator(task_id="c", job_name="failing", **FAST)),
        "failing_deferrable": execute(
            DatabricksRunNowOperator(task_id="d", job_name="failing", deferrable=True, **FAST)
        ),
        "unknown": execute(DatabricksRunNowOperator(task_id="e", job_name="no such job", **FAST)),
        "repaired": execute(DatabricksRunNowOperator(task_id="f", job_name="failing", repair_run=True, **FAST)),
        "submit": execute(DatabricksSubmitRunOperator(task_id="g", deferrable=True, **notebook, **FAST)),
    }


if __name__ == "__main__":
    scenario = {"endpoints": endpoints, "hook": hook, "operators": operators}[sys.argv[1]]
    print("ANSWER " + json.dumps(scenario()))
