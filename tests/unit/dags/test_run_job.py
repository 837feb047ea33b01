"""trigger_databricks_workflow_dag: what its operator does after a deferral, without Airflow."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

import pytest

TRIGGER_FAILURE = {"error": "Trigger failure", "traceback": ["ConnectionError: no route to the workspace"]}


class Deferred(Exception):
    """The task waits for its trigger."""


class TriggerFailed(Exception):
    """What Airflow raises for a trigger that has failed."""


class Operator:
    """The provider's operator, as far as it is overridden."""

    def execute(self, context: Any) -> None:
        """Start the job_run, or find it again."""
        raise Deferred

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """As Airflow 3.0 to 3.3 do."""
        if next_method == "__fail__":
            raise TriggerFailed((next_kwargs or {})["error"])
        return getattr(self, next_method)(context, **(next_kwargs or {}))

    def execute_complete(self, context: Any, event: dict[str, Any] | None = None) -> None:
        """The job_run has ended well."""


class TaskInstance:
    """One task instance: its tries share the XComs, for Airflow clears none of a task that is resumed."""

    def __init__(self, try_number: int) -> None:
        self.try_number = try_number
        self.xcoms: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        """Keep it."""
        self.xcoms[key] = value

    def xcom_pull(self, *, key: str) -> Any:
        """What was pushed, or None."""
        return self.xcoms.get(key)


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The DAG file's operator, on an Airflow that is not there."""

    def module(name: str, **names: Any) -> None:
        made = ModuleType(name)
        vars(made).update(names)
        monkeypatch.setitem(sys.modules, name, made)

    for package in ("airflow", "airflow.providers", "airflow.providers.databricks"):
        module(package)
    module("airflow.providers.databricks.operators")
    module("airflow.providers.databricks.operators.databricks", DatabricksRunNowOperator=Operator)
    module("airflow.configuration", conf=None)
    module("airflow.sdk", dag=lambda **_: lambda function: lambda: None)
    module(
        "stack_exchange.airflow_names",
        TRIGGER_FAIL_REPR="__fail__",
        AirflowException=Exception,
        AirflowFailException=Exception,
    )
    module("stack_exchange.assets", POSTS=None, USERS=None)
    module("stack_exchange.events", from_events=None)
    monkeypatch.delitem(sys.modules, "trigger_databricks_workflow_dag", raising=False)
    found = importlib.import_module("trigger_databricks_workflow_dag")
    monkeypatch.delitem(sys.modules, "trigger_databricks_workflow_dag")
    return found.RunJobOperator()


def test_a_retry_after_a_failed_trigger_executes(operator: Any) -> None:
    """Before 3.1.1 Airflow resumes every retry with the failure of the first try."""
    ti = TaskInstance(try_number=1)
    context = {"ti": ti}
    with pytest.raises(Deferred):
        operator.execute(context)

    ti.try_number = 2
    with pytest.raises(Deferred):
        operator.resume_execution("__fail__", TRIGGER_FAILURE, context)
    operator.resume_execution("execute_complete", {"event": {}}, context)


def test_the_try_whose_trigger_failed_fails(operator: Any) -> None:
    """The retries are counted and wait: a workspace that stays away ends the task."""
    ti = TaskInstance(try_number=1)
    context = {"ti": ti}

    for try_number in (1, 2):
        ti.try_number = try_number
        with pytest.raises(Deferred):
            operator.execute(context)
        with pytest.raises(TriggerFailed):
            operator.resume_execution("__fail__", TRIGGER_FAILURE, context)
