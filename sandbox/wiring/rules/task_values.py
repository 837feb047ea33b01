"""A task value is asked of a task that has ended by then."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding, close_to
from sandbox.wiring.rules.base import Rule
from sandbox.wiring.rules.depends_on import upstream


def _check(facts: Facts) -> Iterator[Finding]:
    for job in facts.bundle.jobs if facts.bundle else ():
        above = upstream(job)
        for called in facts.notebooks_of(job):
            key = called.task.task_key
            for other, place in called.facts.task_values.items():
                if other in above[key]:
                    continue
                if other in above:
                    message = f"task {key} asks for a value of task {other}, but does not wait for it"
                    hint = f"add to depends_on of {key}: task_key: {other}"
                else:
                    meant = close_to(other, above)
                    message = f"task {key} asks for a value of {other!r}, which is no task of job {job.key}"
                    hint = f"did you mean {meant!r}?" if meant else "correct taskKey"
                yield RULE.error(place, other, message, hint)


RULE = Rule(id="task-value", title="a task value is asked of a task that has ended", check=_check)
