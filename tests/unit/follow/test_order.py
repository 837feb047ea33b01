"""What a DAG's tasks wait for, and how deep they stand."""

from __future__ import annotations

from sandbox.follow.order import depths, upstream


def test_each_task_knows_those_before_it() -> None:
    """The graph is given the other way round; tasks without predecessors have none."""
    needs = upstream({"a": ["c", "b"], "b": ["c"], "c": []})

    assert needs == {"a": [], "b": ["a"], "c": ["a", "b"]}


def test_depth_is_the_longest_way() -> None:
    """So that tasks can be listed in the order in which they can run."""
    assert depths({"a": [], "b": ["a"], "c": ["a", "b"]}) == {"a": 0, "b": 1, "c": 2}
