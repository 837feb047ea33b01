"""A chain is looked at while it runs: events, the DAGs that wait for them, the order of tasks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from sandbox.clients.airflow import AirflowClient
from sandbox.clients.databricks import DatabricksClient
from sandbox.follow.chain import Chain


@dataclass
class FakeAirflow:
    """Two DAGs: `produce` emits posts and users, `consume` waits for both."""

    base_url: str = "http://airflow"
    ended: bool = False
    events: list[dict[str, Any]] = field(default_factory=list)

    def dag(self, dag_id: str) -> dict[str, Any] | None:
        return {"is_stale": False, "is_paused": False}

    def assets(self) -> list[dict[str, Any]]:
        consumer, producer = [{"dag_id": "consume"}], [{"dag_id": "produce", "task_id": "b"}]
        return [{"uri": uri, "scheduled_dags": consumer, "producing_tasks": producer} for uri in ("posts", "users")]

    def dependencies(self) -> dict[str, Any]:
        return {"nodes": [], "edges": []}

    def asset_expression(self, dag_id: str) -> dict[str, Any]:
        return {"all": [{"asset": {"uri": uri, "name": uri}} for uri in ("posts", "users")]}

    def dag_run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        end = "2026-01-01T00:00:09+00:00" if self.ended else None
        return {
            "state": "success" if self.ended else "running",
            "start_date": "2026-01-01T00:00:00+00:00",
            "end_date": end,
        }

    def downstream_tasks(self, dag_id: str) -> dict[str, list[str]]:
        return {"b": ["a"], "a": []}

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        common = {"state": None, "map_index": -1, "try_number": 0, "start_date": None, "end_date": None}
        return [common | {"dag_id": dag_id, "dag_run_id": run_id, "task_id": task_id} for task_id in ("a", "b")]

    def asset_events(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        return self.events if dag_id == "produce" else []


def chain_of(airflow: FakeAirflow) -> Chain:
    return Chain(cast("AirflowClient", airflow), cast("DatabricksClient", None), "produce", "r")


def event(number: int, uri: str) -> dict[str, Any]:
    return {
        "id": number,
        "asset_id": number,
        "uri": uri,
        "source_dag_id": "produce",
        "timestamp": "2026-01-01T00:00:05Z",
        "extra": {},
        "created_dagruns": [],
    }


def test_the_dags_to_come_are_named_from_the_start() -> None:
    """Before any event: what will be triggered, and what it waits for; later only what is still missing."""
    airflow = FakeAirflow()
    chain = chain_of(airflow)

    before = chain.look()
    airflow.events = [event(1, "posts")]
    after = chain.look()

    assert before.waiting == ("consume waits for an event of posts, users",)
    assert after.waiting == ("consume waits for an event of users",)
    assert after.seconds > 0


def test_a_producer_that_ends_without_events_finishes_the_chain() -> None:
    """Nothing is expected of a DAG whose assets got no event."""
    airflow = FakeAirflow(ended=True)

    state = chain_of(airflow).look()

    assert state.finished
    assert state.waiting == ("consume waits for an event of posts, users",)


def test_a_dag_whose_events_are_all_there_is_waited_for() -> None:
    """The scheduler needs a moment to make its dag_run: the chain is not finished before."""
    airflow = FakeAirflow(ended=True, events=[event(1, "posts"), event(2, "users")])

    state = chain_of(airflow).look()

    assert not state.finished
    assert state.waiting == ("consume is about to start: all its assets have events",)


@dataclass
class AirflowWithAlias(FakeAirflow):
    """`produce` adds an asset to an alias, for which `consume` waits."""

    stands_for: tuple[str, ...] = ()
    runs: tuple[dict[str, Any], ...] = ()

    def dag(self, dag_id: str) -> dict[str, Any] | None:
        return {"is_stale": False, "is_paused": False}

    def assets(self) -> list[dict[str, Any]]:
        return []

    def dependencies(self) -> dict[str, Any]:
        edges = [("dag:produce", "asset-alias:made"), ("asset-alias:made", "dag:consume")]
        edges += [("asset-alias:made", asset) for asset in self.stands_for]
        return {
            "nodes": [{"id": "asset-alias:made", "label": "made", "type": "asset-alias"}],
            "edges": [{"source_id": source, "target_id": target} for source, target in edges],
        }

    def asset_expression(self, dag_id: str) -> dict[str, Any]:
        return {"all": [{"alias": {"name": "made"}}]}

    def dag_runs(self, dag_id: str) -> list[dict[str, Any]]:
        return list(self.runs)


def test_a_dag_that_waits_for_an_alias_is_waited_for_when_a_task_has_added_to_it() -> None:
    """Not before, and not when nothing was added: that would be for ever."""
    airflow = AirflowWithAlias(ended=True)
    chain = chain_of(airflow)

    before = chain.look()
    airflow.events, airflow.stands_for = [event(4, "added")], ("asset:4",)
    after = chain.look()

    assert before.finished
    assert before.waiting == ("consume waits for an event of the alias made",)
    assert not after.finished
    assert after.waiting == ("consume is about to start: all its assets have events",)


def test_the_dag_run_that_an_alias_starts_is_followed() -> None:
    """No event names it: it is the one that came after them, not an earlier or another one."""
    airflow = AirflowWithAlias(ended=True, events=[event(4, "added")], stands_for=("asset:4",))
    airflow.runs = (
        {"dag_run_id": "new", "run_type": "asset_triggered", "run_after": "2026-01-01T00:00:05.1Z"},
        {"dag_run_id": "mine", "run_type": "manual", "run_after": "2026-01-01T00:00:06Z"},
        {"dag_run_id": "old", "run_type": "asset_triggered", "run_after": "2026-01-01T00:00:04Z"},
    )
    chain = chain_of(airflow)

    found = chain.look()
    followed = chain.look()

    assert (found.finished, found.waiting) == (False, ())
    assert [(run["dag_id"], run["run_id"]) for run in followed.dag_runs] == [("produce", "r"), ("consume", "new")]
    assert followed.finished


def test_tasks_that_have_not_begun_stand_in_the_order_of_the_dag() -> None:
    """Not in that of the alphabet; each names what it waits for."""
    (run,) = chain_of(FakeAirflow()).look().dag_runs

    assert [(task["task_id"], task["depends_on"]) for task in run["tasks"]] == [("b", []), ("a", ["b"])]


@dataclass
class AirflowWithWorkflow(FakeAirflow):
    """A task has returned the job_run that a DatabricksWorkflowTaskGroup has started."""

    operator: str = "_CreateDatabricksWorkflowOperator"

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        (task, _) = super().task_instances(dag_id, run_id)
        return [task | {"state": "success", "operator": self.operator}]

    def xcom_keys(self, *_: Any, **__: Any) -> list[str]:
        return ["return_value", "workflow_run_link"]

    def xcom(self, *_: Any, **__: Any) -> dict[str, Any]:
        return {"conn_id": "databricks_default", "job_id": 1, "run_id": 7}


class Workspace:
    """Its job_runs succeed."""

    def job_run(self, run_id: int) -> dict[str, Any]:
        return {"run_id": run_id, "run_name": "flow", "state": {"result_state": "SUCCESS"}}


def test_the_job_run_of_a_workflow_group_is_followed() -> None:
    """Its first task returns it; what other tasks return is their own."""
    found = [
        Chain(cast("AirflowClient", airflow), cast("DatabricksClient", Workspace()), "produce", "r").look().job_runs
        for airflow in (AirflowWithWorkflow(), AirflowWithWorkflow(operator="PythonOperator"))
    ]

    assert [(run["job_run_id"], run["triggered_by"]["task_id"]) for run in found[0]] == [(7, "a")]
    assert found[1] == ()


@pytest.mark.parametrize(
    ("dag", "words"),
    [
        (None, ()),
        ({"is_stale": True, "is_paused": False}, ()),
        ({"is_stale": False, "is_paused": True}, ("consume does not start: it is paused",)),
    ],
)
def test_a_consumer_that_cannot_start_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, dag: dict[str, Any] | None, words: tuple[str, ...]
) -> None:
    """A DAG that was renamed stays the asset's consumer in Airflow's eyes."""
    airflow = FakeAirflow(ended=True, events=[event(1, "posts"), event(2, "users")])
    monkeypatch.setattr(airflow, "dag", lambda dag_id: dag)

    state = chain_of(airflow).look()

    assert state.finished
    assert state.waiting == words
