"""`depends_on` names tasks of the job, and never leads back to where it came from."""

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


RULE = Rule(id="depends-on", title="depends_on names tasks of the job, without a circle", check=_check)
