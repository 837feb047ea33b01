"""The parameters of jobs and tasks are read by somebody."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding, close_to
from sandbox.wiring.rules.base import Rule
from sandbox.wiring.rules.widgets import may_read, reads


def _check(facts: Facts) -> Iterator[Finding]:
    for job in facts.bundle.jobs if facts.bundle else ():
        for name, (_, place) in job.parameters.items():
            if not reads(facts, job, name):
                widgets = {widget for called in facts.notebooks_of(job) for widget in called.facts.widgets_read}
                meant = close_to(name, widgets - job.parameters.keys())
                yield RULE.warning(
                    place,
                    name,
                    f"no task of job {job.key} reads its parameter {name!r}",
                    f"a notebook reads {meant!r}" if meant else "remove it, or read it: dbutils.widgets.get(…)",
                )
    for called in facts.notebooks:
        for name, (_, place) in called.task.base_parameters.items():
            if not may_read(called.facts, name):
                meant = close_to(name, called.facts.widgets_read.keys() - called.passed.keys())
                yield RULE.warning(
                    place,
                    name,
                    f"task {called.task.task_key} passes {name!r}, which its notebook does not read",
                    f"the notebook reads {meant!r}" if meant else "remove it, or read it: dbutils.widgets.get(…)",
                )


RULE = Rule(id="parameter-read", title="every parameter of a job or task is read", check=_check)
