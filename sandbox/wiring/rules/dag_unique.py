"""A DAG is defined by one file."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding
from sandbox.wiring.rules.base import Rule


def _check(facts: Facts) -> Iterator[Finding]:
    files: dict[str, set[str]] = {}
    for dag in facts.dags:
        files.setdefault(dag["dag_id"], set()).add(dag["file"])
    for dag_id, found in sorted(files.items()):
        first, *others = sorted(found)
        for file in others:
            elsewhere = facts.sources.dag_place(first, dag_id).shown(facts.project)
            yield RULE.error(
                facts.sources.dag_place(file, dag_id),
                dag_id,
                f"the DAG {dag_id} is defined by {elsewhere} too: Airflow shows whichever it parsed last",
                "give one of them another dag_id",
            )


RULE = Rule(id="dag-unique", title="a DAG is defined by one file", check=_check)
