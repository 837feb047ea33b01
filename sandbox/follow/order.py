"""What a DAG's tasks wait for: from the graph that Airflow knows, for the views of a chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def upstream(downstream: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """For each task those that it waits for, sorted."""
    found: dict[str, list[str]] = {task_id: [] for task_id in downstream}
    for task_id, waiting in downstream.items():
        for other in waiting:
            found.setdefault(other, []).append(task_id)
    return {task_id: sorted(needs) for task_id, needs in found.items()}


def depths(needs: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """How many tasks stand before each one on the longest way; a DAG has no cycle."""
    known: dict[str, int] = {}

    def depth(task_id: str) -> int:
        if task_id not in known:
            known[task_id] = max((depth(other) + 1 for other in needs.get(task_id, ())), default=0)
        return known[task_id]

    return {task_id: depth(task_id) for task_id in needs}
