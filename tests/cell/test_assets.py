"""What starts the job: both assets together, each event counted once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox import health
from sandbox.clients.airflow import AirflowClient
from sandbox.follow.chain import ChainState
from sandbox.testing.handle import RunningSandbox

CONSUMER = "trigger_databricks_workflow_dag"
PATIENCE_SECONDS = 120.0
ENDED = ("success", "failed")


@pytest.fixture(scope="module")
def api(sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    """Airflow's REST API."""
    headers = {"Authorization": f"Bearer {sandbox.environment['AIRFLOW_API_TOKEN']}"}
    with httpx.Client(base_url=sandbox.environment["AIRFLOW_API_URL"], headers=headers, trust_env=False) as client:
        yield client


class Assets:
    """Emits the events of an earlier run again, as an external system would."""

    def __init__(self, api: httpx.Client, airflow: AirflowClient, chain: ChainState) -> None:
        self._api = api
        self._airflow = airflow
        self._ids = {asset["uri"]: asset["id"] for asset in airflow.assets()}
        self._extras = {asset["uri"].rpartition("/")[2]: asset for asset in chain.assets}

    def emit(self, name: str) -> None:
        """One more event of the asset."""
        asset = self._extras[name]
        body = {"asset_id": self._ids[asset["uri"]], "extra": asset["extra"]}
        self._api.post("assets/events", json=body).raise_for_status()

    def queued(self) -> list[str]:
        """The assets of which the consumer has an event, and waits for the others."""
        answer = self._api.get(f"dags/{CONSUMER}/assets/queuedEvents")
        if answer.status_code == 404:  # how Airflow says that there are none
            return []
        events = answer.raise_for_status().json()["queued_events"]
        names = {number: uri.rpartition("/")[2] for uri, number in self._ids.items()}
        return sorted(names[event["asset_id"]] for event in events)

    def runs(self) -> dict[str, dict[str, Any]]:
        """The consumer's dag_runs by id."""
        return {run["dag_run_id"]: run for run in self._airflow.dag_runs(CONSUMER)}

    def new_run(self, before: dict[str, dict[str, Any]]) -> dict[str, Any]:
        """The one dag_run that there is beyond `before`, when it has ended."""

        def complaint() -> str:
            new = [run for run_id, run in self.runs().items() if run_id not in before]
            return "" if new and all(run["state"] in ENDED for run in new) else f"no new run has ended: {new}"

        health.wait_until(complaint, timeout_seconds=PATIENCE_SECONDS, interval_seconds=0.3)
        new = [run for run_id, run in self.runs().items() if run_id not in before]
        assert len(new) == 1
        return new[0]

    def events_of(self, run: dict[str, Any]) -> list[str]:
        """The assets whose events a dag_run has taken, one name per event."""
        answer = self._api.get(f"dags/{CONSUMER}/dagRuns/{run['dag_run_id']}/upstreamAssetEvents").raise_for_status()
        return sorted(event["uri"].rpartition("/")[2] for event in answer.json()["asset_events"])


@pytest.fixture
def assets(api: httpx.Client, airflow_client: AirflowClient, chain: ChainState) -> Assets:
    """The pipeline's assets, with nothing queued."""
    found = Assets(api, airflow_client, chain)
    assert chain.succeeded
    assert found.queued() == []
    return found


def test_one_asset_alone_starts_nothing(assets: Assets) -> None:
    """Posts wait for users; then one dag_run takes both."""
    before = assets.runs()

    assets.emit("Posts.xml")
    health.wait_until(lambda: "" if assets.queued() == ["Posts.xml"] else "not queued", timeout_seconds=30)
    assert assets.runs().keys() == before.keys()
    assets.emit("Users.xml")
    run = assets.new_run(before)

    assert run["state"] == "success"
    assert assets.events_of(run) == ["Posts.xml", "Users.xml"]
    assert assets.queued() == []


def test_the_order_does_not_matter_and_duplicates_start_nothing(assets: Assets) -> None:
    """Users twice, then posts: one dag_run, which knows all three events."""
    before = assets.runs()

    assets.emit("Users.xml")
    assets.emit("Users.xml")
    assets.emit("Posts.xml")
    run = assets.new_run(before)

    assert run["state"] == "success"
    assert assets.events_of(run) == ["Posts.xml", "Users.xml", "Users.xml"]
