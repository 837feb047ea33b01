"""An asset pair: from the trigger of the producer to the success of the consumer."""

from __future__ import annotations

import time

from sandbox import follow, health
from sandbox.clients.airflow import AirflowClient
from sandbox.clients.databricks import DatabricksClient

PRODUCER = "bench_produce"
PATIENCE_SECONDS = 300.0


def pair(airflow: AirflowClient) -> float:
    """Seconds of one pair; the sandbox and its peer are looked at in the same way.

    Both DAGs must be unpaused: `follow.prepare`.
    """
    # the chain asks the workspace only about job_runs, and there are none
    workspace = DatabricksClient(airflow.base_url, token="")
    begun = time.monotonic()
    chain = follow.Chain(airflow, workspace, PRODUCER, airflow.trigger(PRODUCER, {}))
    last: list[follow.ChainState] = []

    def complaint() -> str:
        last[:] = [chain.look()]
        return "" if last[0].finished else "the pair is still running"

    health.wait_until(complaint, timeout_seconds=PATIENCE_SECONDS)
    seconds = time.monotonic() - begun
    assert last[0].succeeded, last[0].dag_runs
    assert len(last[0].dag_runs) == 2, last[0].dag_runs
    return seconds
