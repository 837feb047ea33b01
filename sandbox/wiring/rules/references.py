"""The dynamic value references of a bundle, `{{job.parameters.day}}` and the like, name what there is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sandbox.databricks_stub.references import KNOWN, OF_TASKS
from sandbox.wiring.bundle import Job, Task
from sandbox.wiring.facts import JOB_PARAMETER, Facts
from sandbox.wiring.findings import Finding, Place, close_to, listed, slip_of
from sandbox.wiring.rules.base import Rule
from sandbox.wiring.rules.widgets import passed_by_callers

OF_TASK = re.compile(r"tasks\.(?P<key>[\w-]+)\.(?P<property>[^.]+)")
# Documented: https://docs.databricks.com/jobs/dynamic-value-references - what Databricks does not know in one of these
# is an error, elsewhere it stays as it stands. It may know more than its documentation: only slips are complained of.
NAMESPACES = ("job.", "task.", "workspace.")
ALIKE = 0.8


def _check(facts: Facts) -> Iterator[Finding]:
    for job in facts.bundle.jobs if facts.bundle else ():
        passed = passed_by_callers(job, facts)
        for name, place in job.references:
            yield from _of_job(f"job {job.key}", name, place, job, passed)
        for task in job.tasks:
            who = f"task {task.task_key} of job {job.key}"
            for name, place in task.references:
                if name.split(".")[0] == "input":
                    yield from _input(who, name, place, task)
                elif found := OF_TASK.match(name):
                    yield from _of_task(who, name, place, found, job)
                else:
                    yield from _of_job(who, name, place, job, passed)


def _of_job(who: str, name: str, place: Place, job: Job, passed: set[str] | None) -> Iterator[Finding]:
    if name.startswith(JOB_PARAMETER):
        parameter = name.removeprefix(JOB_PARAMETER)
        if passed is None or parameter in passed or parameter in job.parameters:
            return  # what a run is given besides may be referred to, too
        meant = close_to(parameter, job.parameters)
        yield RULE.error(
            place,
            name,
            f"{who} refers to {_shown(name)}, a parameter that job {job.key} does not declare",
            f"did you mean {meant!r}?" if meant else f"declare it; the job's parameters: {listed(job.parameters)}",
        )
    elif name not in KNOWN and "." in name:
        known = {*KNOWN, *(f"{JOB_PARAMETER}{parameter}" for parameter in job.parameters)}
        if meant := slip_of(name, known, alike=ALIKE):
            is_refused = name.startswith(NAMESPACES)
            report = RULE.error if is_refused else RULE.warning
            what = "which Databricks does not know" if is_refused else "which Databricks leaves as it stands"
            yield report(place, name, f"{who} refers to {_shown(name)}, {what}", f"did you mean {_shown(meant)}?")


def _of_task(who: str, name: str, place: Place, found: re.Match[str], job: Job) -> Iterator[Finding]:
    key = found["key"]
    is_notebook = any(task.is_notebook and not task.is_repeated for task in job.tasks if task.task_key == key)
    if found["property"] not in OF_TASKS:
        if meant := slip_of(found["property"], OF_TASKS):
            message = f"{who} refers to {_shown(name)}: a task has no {found['property']!r}"
            yield RULE.error(place, name, message, f"did you mean {meant!r}?")
    elif found["property"] == "output" and is_notebook:
        yield RULE.warning(
            place,
            name,
            f"{who} refers to {_shown(name)}, but {key} is a notebook: only SQL tasks have an output",
            f"call dbutils.jobs.taskValues.set there, and refer to {_shown(f'tasks.{key}.values.…')}",
        )


def _input(who: str, name: str, place: Place, task: Task) -> Iterator[Finding]:
    if not task.is_repeated:
        yield RULE.warning(
            place,
            name,
            f"{who} refers to {_shown(name)}, which is known inside of a for_each_task only: it stays as it stands",
            "put the task into a for_each_task, or pass the value itself",
        )


def _shown(name: str) -> str:
    return f"{{{{{name}}}}}"


RULE = Rule(id="reference-known", title="every {{…}} of a job names what there is", check=_check)
