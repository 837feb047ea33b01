"""A chain is looked at while it runs: events, the DAGs that wait for them, the order of tasks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from sandbox.clients.airflow import AirflowClient
from sandbox.clients.databricks import DatabricksClient
from sandbox.follow.chain import Chain


@dataclass
class FakeAirflow:
    """Two DAGs: `produce` emits posts and users, `consume` waits for both."""

    base_url: str = "http://airflow"
    ended: bool = False
    events: list[dict[str, Any]] = field(default_factory=list)

    def assets(self) -> list[dict[str, Any]]:
        consumer, producer = [{"dag_id": "consume"}], [{"dag_id": "produce", "task_id": "b"}]
        return [{"uri": uri, "scheduled_dags": consumer, "producing_tasks": producer} for uri in ("posts", "users")]

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
    return {"id": number, "uri": uri, "extra": {}, "created_dagruns": []}


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


def test_tasks_that_have_not_begun_stand_in_the_order_of_the_dag() -> None:
    """Not in that of the alphabet; each names what it waits for."""
    (run,) = chain_of(FakeAirflow()).look().dag_runs

    assert [(task["task_id"], task["depends_on"]) for task in run["tasks"]] == [("b", []), ("a", ["b"])]
