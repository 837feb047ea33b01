"""The job clusters and environments on which tasks run are defined by their job."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding, close_to, listed
from sandbox.wiring.rules.base import Rule

DEFINED_BY = {"job_cluster_key": "job_clusters", "environment_key": "environments"}


def _check(facts: Facts) -> Iterator[Finding]:
    for job in facts.bundle.jobs if facts.bundle else ():
        for task in job.tasks:
            for key, (name, place) in task.compute.items():
                holder = DEFINED_BY[key]
                defined = job.settings.get(holder) or []
                if not isinstance(defined, list):
                    continue
                known = {str(item[key]) for item in defined if isinstance(item, dict) and key in item}
                if name not in known:
                    meant = close_to(name, known)
                    yield RULE.error(
                        place,
                        name,
                        f"task {task.task_key} of job {job.key} has the {key} {name!r}, which {holder} of the job does "
                        "not define: Databricks refuses the job",
                        f"did you mean {meant!r}?" if meant else f"add it to {holder}, which has {listed(known)}",
                    )


RULE = Rule(id="compute-defined", title="the job clusters and environments of tasks are defined", check=_check)
