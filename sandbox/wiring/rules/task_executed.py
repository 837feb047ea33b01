"""The workspace executes the job's tasks."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.databricks_stub.jobspec import EXECUTED_KINDS
from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding
from sandbox.wiring.rules.base import Rule


def _check(facts: Facts) -> Iterator[Finding]:
    for job in facts.bundle.jobs if facts.bundle else ():
        for task in job.tasks:
            kind = "for_each_task" if task.is_repeated else task.kind
            if kind and kind not in EXECUTED_KINDS:
                yield RULE.warning(
                    task.place,
                    f"{job.key}/{task.task_key}",
                    f"task {task.task_key} of job {job.key} is a {kind}, which the workspace does not execute",
                    "run the job on Databricks, or set it aside here by a target of its own",
                )


RULE = Rule(id="task-executed", title="the workspace executes tasks of these kinds", check=_check)
