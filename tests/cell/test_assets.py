"""What starts the job: both assets together, each event counted once; and what does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox import health
from sandbox.clients.airflow import AirflowClient
from sandbox.follow.chain import ChainState
from sandbox.testing.handle import RunningSandbox

PRODUCER = "produce_data_asset"
CONSUMER = "trigger_databricks_workflow_dag"
PATIENCE_SECONDS = 300.0
"""Until a dag_run must have ended, on a machine that is busy with other cells."""
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

    def settle(self) -> None:
        """Nothing runs and nothing is queued any more: a test that failed must not make the next one fail."""

        def complaint() -> str:
            return "; ".join(f"{run_id} is {run['state']}" for run_id, run in self.runs().items()
                             if run["state"] not in ENDED)  # fmt: skip

        health.wait_until(complaint, timeout_seconds=PATIENCE_SECONDS, interval_seconds=0.3)
        answer = self._api.delete(f"dags/{CONSUMER}/assets/queuedEvents")
        assert answer.status_code in (204, 404), answer.text

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
    found.settle()
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


def test_a_failed_producer_emits_nothing(assets: Assets, sandbox: RunningSandbox) -> None:
    """A site that the host does not have: the dag_run fails, and no DAG is started."""
    before = assets.runs()

    failed = sandbox.run(PRODUCER, {"site": "nowhere.stackexchange.com"}, check=False)

    assert [run["state"] for run in failed.dag_runs] == ["failed"]
    assert failed.assets == ()
    assert assets.queued() == []
    assert assets.runs().keys() == before.keys()


def test_an_archive_that_has_not_changed_emits_nothing(assets: Assets, sandbox: RunningSandbox) -> None:
    """The dag_run succeeds with its tasks skipped, and no DAG is started."""
    before = assets.runs()

    unchanged = sandbox.run(PRODUCER, {})

    states = {task["task_id"]: task["state"] for task in unchanged.dag_runs[0]["tasks"]}
    assert states["check_upstream"] == states["publish_snapshot"] == "skipped"
    assert unchanged.assets == ()
    assert assets.runs().keys() == before.keys()


def test_a_paused_consumer_is_started_by_nothing(assets: Assets, airflow_client: AirflowClient) -> None:
    """Events while it is paused start no dag_run, not even after it; the next pair starts one."""
    before = assets.runs()

    airflow_client.set_paused(CONSUMER, paused=True)
    try:
        assets.emit("Posts.xml")
        assets.emit("Users.xml")
    finally:
        airflow_client.set_paused(CONSUMER, paused=False)
    assert assets.queued() == []
    assert assets.runs().keys() == before.keys()
    assets.emit("Users.xml")
    assets.emit("Posts.xml")
    run = assets.new_run(before)

    assert run["state"] == "success"
    assert set(assets.events_of(run)) == {"Posts.xml", "Users.xml"}


def test_a_backfill_publishes_each_day_and_loses_no_event(
    assets: Assets, api: httpx.Client, airflow_client: AirflowClient
) -> None:
    """Two days: two dag_runs of the producer, four events, and each is taken by exactly one dag_run of the consumer."""
    before = assets.runs()
    body = {
        "dag_id": PRODUCER,
        "from_date": "2024-03-01T00:00:00Z",
        "to_date": "2024-03-03T00:00:00Z",
        "dag_run_conf": {"force": True},
        "max_active_runs": 1,
        "reprocess_behavior": "none",
        "run_backwards": False,
    }

    created = api.post("backfills", json=body).raise_for_status().json()

    def producers() -> list[dict[str, Any]]:
        return [run for run in airflow_client.dag_runs(PRODUCER) if run["run_type"] == "backfill"]

    def complaint() -> str:
        runs = producers()
        if len(runs) < 2 or any(run["state"] not in ENDED for run in runs):
            return f"backfill {created['id']} is not done: {[run['state'] for run in runs]}"
        new = [run for run_id, run in assets.runs().items() if run_id not in before]
        if any(run["state"] not in ENDED for run in new):
            return "the consumer still runs"
        taken = sum(len(assets.events_of(run)) for run in new)
        return "" if taken >= 4 else f"{taken} of 4 events are taken"

    health.wait_until(complaint, timeout_seconds=PATIENCE_SECONDS, interval_seconds=0.5)
    new = [run for run_id, run in assets.runs().items() if run_id not in before]
    events = sorted(event for run in new for event in assets.events_of(run))
    assert [run["state"] for run in producers()] == ["success", "success"]
    assert {run["state"] for run in new} == {"success"}
    assert events == ["Posts.xml", "Posts.xml", "Users.xml", "Users.xml"]
    assert assets.queued() == []
