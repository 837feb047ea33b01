"""The pools that tasks of DAGs ask for are made."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding, close_to
from sandbox.wiring.rules.base import Rule

ALWAYS_THERE = "default_pool"


def _check(facts: Facts) -> Iterator[Finding]:
    known = {*facts.settings.pools, ALWAYS_THERE}
    for dag in facts.dags:
        for task in dag["operators"]:
            # an Airflow that has been running since before an update of this tool does not tell
            name = task.get("pool")
            if not name or name in known:
                continue
            meant = close_to(name, known)
            key = name if re.fullmatch(r"[\w-]+", name, re.ASCII) else f'"{name}"'
            yield RULE.error(
                facts.sources.task_place(dag["file"], task["task_id"], "pool", dag["dag_id"]),
                name,
                f"task {task['task_id']} of DAG {dag['dag_id']} asks for the pool {name!r}, which does not exist: "
                "Airflow never starts the task",
                f"did you mean {meant!r}?" if meant else f"add to [airflow.pools]: {key} = {{ slots = 4 }}",
            )


RULE = Rule(id="pool-defined", title="every pool that a task asks for is in airflow.pools", check=_check)
