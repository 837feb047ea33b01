"""`depends_on` names tasks of the job, outcomes of conditions only, and never leads back to where it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from sandbox.wiring.bundle import Job
from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding, close_to, listed
from sandbox.wiring.rules.base import Rule


def _check(facts: Facts) -> Iterator[Finding]:
    for job in facts.bundle.jobs if facts.bundle else ():
        keys = {task.task_key: task for task in job.tasks}
        for task in job.tasks:
            for name, place in task.depends_on:
                if name not in keys:
                    meant = close_to(name, keys)
                    yield RULE.error(
                        place,
                        name,
                        f"task {task.task_key} of job {job.key} depends on {name!r}, which is no task of the job",
                        f"did you mean {meant!r}?" if meant else f"its tasks: {listed(keys)}",
                    )
            for name, place in task.outcome_places.items():
                # Documented: https://docs.databricks.com/api/workspace/jobs/create - only conditions have an outcome
                kind = keys[name].kind if name in keys else ""
                if kind and kind != "condition_task":
                    yield RULE.error(
                        place,
                        name,
                        f"task {task.task_key} of job {job.key} waits for an outcome of {name!r}, a {kind}: Databricks "
                        "refuses the job, as only a condition_task has an outcome",
                        "remove outcome; run_if says whether what it waits for must have succeeded",
                    )
        try:
            TopologicalSorter({key: {name for name, _ in task.depends_on} for key, task in keys.items()}).prepare()
        except CycleError as error:
            circle: list[str] = error.args[1]
            yield RULE.error(
                keys[circle[1]].place,
                circle[1],
                f"the tasks of job {job.key} wait for each other: {' → '.join(circle)}",
                "remove one of these depends_on",
            )


def upstream(job: Job) -> Mapping[str, set[str]]:
    """For each task all tasks that have ended when it starts."""
    direct = {task.task_key: {name for name, _ in task.depends_on} for task in job.tasks}
    found: dict[str, set[str]] = {}
    for key, names in direct.items():
        waiting = list(names)
        above: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name not in above:
                above.add(name)
                waiting += direct.get(name, ())
        found[key] = above
    return found


def conditions(job: Job) -> Mapping[str, frozenset[tuple[str, str]]]:
    """For each task the outcomes of conditions without which it never runs, its own and those of tasks above it.

    Documented: https://docs.databricks.com/jobs/run-if - what is left out has neither succeeded nor failed.
    """
    tasks = {task.task_key: task for task in job.tasks}
    found: dict[str, frozenset[tuple[str, str]]] = {}

    def of(key: str, below: frozenset[str]) -> frozenset[tuple[str, str]]:
        task = tasks.get(key)
        if task is None or key in below:  # no task, or a circle: others complain
            return frozenset()
        if key not in found:
            found[key] = frozenset(task.outcomes)
            above = [of(name, below | {key}) for name, _ in task.depends_on]
            if task.run_if == "ALL_SUCCESS":
                found[key] = found[key].union(*above)
            elif above and task.run_if != "ALL_DONE":  # one of them has to run
                found[key] |= frozenset.intersection(*above)
        return found[key]

    return {key: of(key, frozenset()) for key in tasks}


def never_together(first: frozenset[tuple[str, str]], second: frozenset[tuple[str, str]]) -> bool:
    """Whether one condition would have to come out in two ways."""
    return any(name == other and outcome != wanted for name, outcome in first for other, wanted in second)


RULE = Rule(
    id="depends-on",
    title="depends_on names tasks, and outcomes of conditions only, without a circle",
    check=_check,
)
