"""What a DAG or another job passes to a job has a reader there."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.wiring.bundle import Job, Task
from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding, close_to, listed, slip_of
from sandbox.wiring.rules.base import Rule
from sandbox.wiring.rules.widgets import reads


def _check(facts: Facts) -> Iterator[Finding]:
    for operator, job in facts.runs_of_jobs:
        for argument in ("job_parameters", "notebook_params"):
            given = operator.given.get(argument)
            if not isinstance(given, dict):
                continue
            for name in sorted(map(str, given)):
                if _has_reader(facts, job, argument, name):
                    continue
                known = _known(facts, job)
                meant = close_to(name, known)
                yield RULE.error(
                    facts.sources.task_place(operator.file, operator.task_id, argument, operator.dag_id),
                    name,
                    f"task {operator.task_id} of DAG {operator.dag_id} passes {name!r} to the job {job.name!r}, "
                    "where nothing declares or reads it",
                    f"did you mean {meant!r}?" if meant else f"the job knows: {listed(known)}",
                )
    for job in facts.bundle.jobs if facts.bundle else ():
        for task in job.tasks:
            if task.kind == "run_job_task":
                yield from _of_job(job, task, facts)


def _of_job(job: Job, task: Task, facts: Facts) -> Iterator[Finding]:
    job_id = str(task.body.get("job_id"))
    other = next((each for each in facts.bundle.jobs if str(each.job_id) == job_id), None) if facts.bundle else None
    if other is None:
        return
    missed = _known(facts, other) - {name for _, name, _ in task.handed}
    for argument, name, place in task.handed:
        if _has_reader(facts, other, argument, name):
            continue
        # Databricks hands on what nobody declares, too: it does no harm by itself, but the one that is missed does
        report = RULE.error if slip_of(name, missed) else RULE.warning
        meant = close_to(name, missed)
        yield report(
            place,
            name,
            f"task {task.task_key} of job {job.key} passes {name!r} to the job {other.key}, where nothing declares or "
            "reads it",
            f"did you mean {meant!r}?" if meant else f"remove it; the job knows: {listed(_known(facts, other))}",
        )


def _has_reader(facts: Facts, job: Job, argument: str, name: str) -> bool:
    return (argument == "job_parameters" and name in job.parameters) or reads(facts, job, name)


def _known(facts: Facts, job: Job) -> set[str]:
    return {*job.parameters, *(read for called in facts.notebooks_of(job) for read in called.facts.widgets_read)}


RULE = Rule(id="job-parameters", title="what is passed to a job is declared or read there", check=_check)
