"""The five notebook tasks of the job on the default sample."""

from __future__ import annotations

import statistics
import time

from sandbox import health
from sandbox.clients.databricks import DatabricksClient
from sandbox.clients.http import Api
from sandbox.follow.chain import job_run_view
from tests.bench.model import Result
from tests.bench.project import project
from tests.driver import Cli

JOB = "medallion"
PATIENCE_SECONDS = 300.0
LATER_GOAL_SECONDS = 3.0


def notebooks(repeat: int) -> list[Result]:
    """Wall time of a job_run by run-now; the one that `sandbox run` starts first, on a new engine, apart."""
    with project() as cli:
        cli("up")
        first = cli("run", "--json").value["job_runs"][0]
        runs = [_run_now(cli) for _ in range(repeat)]
    keys = [task["task_key"] for task in first["tasks"]]
    each = ", ".join(f"{key} {statistics.median(tasks[key] for _, tasks in runs):.1f} s" for key in keys)
    return [
        Result(
            name="notebooks",
            what="job_run of five notebook tasks, 2,000 posts and 600 users, by run-now",
            unit="s",
            ours=statistics.median(seconds for seconds, _ in runs),
            goal=5.0,
            goal_is_absolute=True,
            note=f"the first one {first['seconds']:.1f} s; {each}; later goal {LATER_GOAL_SECONDS:g} s",
            samples=tuple((seconds, None) for seconds, _ in runs),
        )
    ]


def _run_now(cli: Cli) -> tuple[float, dict[str, float]]:
    """Seconds from the request to the job_run's end as a client sees it, and those of each task."""
    context = cli.context
    token = context.credentials.databricks_token
    client = DatabricksClient(context.url("databricks"), token=token)
    api = Api(service="databricks", base_url=context.url("databricks"), headers={"Authorization": f"Bearer {token}"})
    job_id = next(job["job_id"] for job in client.jobs() if job["settings"]["name"] == JOB)
    begun = time.monotonic()
    run_id = api.request("POST", "/api/2.2/jobs/run-now", json={"job_id": job_id})["run_id"]

    def complaint() -> str:
        state = client.job_run(run_id)["state"]["life_cycle_state"]
        return "" if state in ("TERMINATED", "SKIPPED", "INTERNAL_ERROR") else str(state)

    health.wait_until(complaint, timeout_seconds=PATIENCE_SECONDS)
    seconds = time.monotonic() - begun
    run = job_run_view(client.job_run(run_id))
    assert run["state"] == "SUCCESS", run
    return seconds, {task["task_key"]: task["seconds"] for task in run["tasks"]}
