"""A DAG that another one starts or waits for is no slip of one that there is."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding, slip_of
from sandbox.wiring.rules.base import Rule


def _check(facts: Facts) -> Iterator[Finding]:
    known = {dag["dag_id"] for dag in facts.dags}
    for dag in facts.dags:
        for task in dag["operators"]:
            # an Airflow that has been running since before an update of this tool does not tell
            for argument, name in task.get("dags", {}).items():
                # what is alike to nothing may live in another repository
                if "{" not in name and name not in known and (meant := slip_of(name, known)):
                    yield RULE.warning(
                        facts.sources.task_place(dag["file"], task["task_id"], argument, dag["dag_id"]),
                        name,
                        f"task {task['task_id']} of DAG {dag['dag_id']} names the DAG {name!r}, which no file defines",
                        f"did you mean {meant!r}?",
                    )


RULE = Rule(
    id="dag-known", title="a DAG that another one names is no slip of one that there is", check=_check, needs_dags=True
)
