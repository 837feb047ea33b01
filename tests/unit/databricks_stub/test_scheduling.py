"""run_if: which upstream results let a task run."""

from __future__ import annotations

import pytest

from sandbox.databricks_stub.scheduling import run_if_holds
from sandbox.databricks_stub.states import IllegalTransition, LifeCycle, Result, check_transition
from tests.unit.databricks_stub.fakes import Harness, task

GOOD, BAD, OUT = Result.SUCCESS, Result.FAILED, Result.EXCLUDED


@pytest.mark.parametrize(
    ("run_if", "results", "expected"),
    [
        ("ALL_SUCCESS", [], True),
        ("ALL_SUCCESS", [GOOD, GOOD], True),
        ("ALL_SUCCESS", [GOOD, BAD], False),
        ("ALL_SUCCESS", [GOOD, OUT], False),
        ("ALL_DONE", [BAD, OUT], True),
        ("NONE_FAILED", [GOOD, OUT], True),
        ("NONE_FAILED", [OUT, OUT], False),
        ("NONE_FAILED", [GOOD, Result.CANCELED], False),
        ("AT_LEAST_ONE_SUCCESS", [GOOD, BAD], True),
        ("AT_LEAST_ONE_SUCCESS", [BAD, BAD], False),
        ("ALL_FAILED", [BAD, Result.UPSTREAM_FAILED], True),
        ("ALL_FAILED", [BAD, GOOD], False),
        ("AT_LEAST_ONE_FAILED", [GOOD, Result.TIMEDOUT], True),
        ("AT_LEAST_ONE_FAILED", [GOOD, GOOD], False),
    ],
)
def test_run_if(run_if: str, results: list[Result], expected: bool) -> None:
    """Each condition of Databricks."""
    assert run_if_holds(run_if, results) is expected


def test_the_leaves_decide_about_the_run(harness: Harness) -> None:
    """A failure that a later task caught gives SUCCESS_WITH_FAILURES."""
    harness.runner.outcomes["bad"] = [{"succeeded": False}]

    run_id = harness.submit(task("bad"), task("cleanup", "bad", run_if="ALL_DONE"))

    assert harness.results(run_id) == {"bad": "FAILED", "cleanup": "SUCCESS"}
    assert harness.run(run_id)["state"]["result_state"] == "SUCCESS_WITH_FAILURES"


def test_a_condition_task_chooses_the_branch(harness: Harness) -> None:
    """The other branch is excluded, and the run succeeds."""
    harness.runner.outcomes["count"] = [{"task_values": {"rows": 3}}]
    condition = {"op": "GREATER_THAN", "left": "{{tasks.count.values.rows}}", "right": "0"}
    run_id = harness.submit(
        task("count"),
        {"task_key": "any", "condition_task": condition, "depends_on": [{"task_key": "count"}]},
        task("yes") | {"depends_on": [{"task_key": "any", "outcome": "true"}]},
        task("no") | {"depends_on": [{"task_key": "any", "outcome": "false"}]},
    )

    assert harness.results(run_id) == {"count": "SUCCESS", "any": "SUCCESS", "yes": "SUCCESS", "no": "EXCLUDED"}
    assert harness.run(run_id)["state"]["result_state"] == "SUCCESS"


def test_illegal_transitions_are_our_bug() -> None:
    """What has ended does not run."""
    with pytest.raises(IllegalTransition, match="TERMINATED -> RUNNING"):
        check_transition(LifeCycle.TERMINATED, LifeCycle.RUNNING)
