"""A task value, or another property of a task, is asked of a task that has ended by then."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sandbox.wiring.bundle import Job
from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding, Place, close_to
from sandbox.wiring.rules.base import Rule
from sandbox.wiring.rules.depends_on import upstream

OF_TASK = re.compile(r"tasks\.(?P<key>[\w-]+)\.")


def _check(facts: Facts) -> Iterator[Finding]:
    for job in facts.bundle.jobs if facts.bundle else ():
        above = upstream(job)
        for key, other, place in (*_in_bundle(job), *_in_notebooks(job, facts)):
            if other not in above[key]:
                if other in above:
                    message = f"task {key} asks for a value of task {other}, but does not wait for it"
                    hint = f"add to depends_on of {key}: task_key: {other}"
                else:
                    meant = close_to(other, above)
                    message = f"task {key} asks for a value of {other!r}, which is no task of job {job.key}"
                    hint = f"did you mean {meant!r}?" if meant else "correct taskKey"
                yield RULE.error(place, other, message, hint)


Asked = tuple[str, str, Place]


def _in_bundle(job: Job) -> Iterator[Asked]:
    for task in job.tasks:
        for name, place in task.references:
            if found := OF_TASK.match(name):
                yield task.task_key, found["key"], place


def _in_notebooks(job: Job, facts: Facts) -> Iterator[Asked]:
    for called in facts.notebooks_of(job):
        for other, place in called.facts.task_values.items():
            yield called.task.task_key, other, place


RULE = Rule(id="task-value", title="a task value is asked of a task that has ended", check=_check)
