"""The job that a DAG runs is a job of the bundle."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.wiring.facts import Facts, Operator
from sandbox.wiring.findings import Finding, close_to, listed
from sandbox.wiring.rules.base import Rule


def _check(facts: Facts) -> Iterator[Finding]:
    if facts.bundle_error is not None:
        return  # there is nothing to compare with, and rule `bundle` says why
    for operator in facts.databricks_operators:
        if name := operator.job_name:
            yield from _by_name(operator, name, facts)
        elif str(operator.given.get("job_id") or "").isdigit():
            yield from _by_id(operator, facts)


def _by_name(operator: Operator, name: str, facts: Facts) -> Iterator[Finding]:
    place = facts.sources.task_place(operator.file, operator.task_id, "job_name", operator.dag_id)
    who = f"task {operator.task_id} of DAG {operator.dag_id} runs the job {name!r}"
    if facts.bundle is None:
        file = facts.settings.bundle
        yield RULE.error(place, name, f"{who}, but there is no {file}", f"write {file}, or set project.bundle to it")
        return
    if facts.bundle.job_called(name) is not None:
        return
    names = [job.name for job in facts.bundle.jobs]
    prefix = facts.bundle.name_prefix
    if prefix and prefix + name in names:
        hint = f"target {facts.bundle.target} puts {prefix!r} before each name: use a target without mode: development"
    elif meant := close_to(name, names):
        hint = f"did you mean {meant!r}?"
    else:
        hint = f"jobs of {facts.bundle.file.name} (target {facts.bundle.target}): {listed(names)}"
    yield RULE.error(place, name, f"{who}, which {facts.bundle.file.name} does not define", hint)


def _by_id(operator: Operator, facts: Facts) -> Iterator[Finding]:
    job_id = int(operator.given["job_id"])
    if any(job.job_id == job_id for job in facts.bundle.jobs) if facts.bundle else False:
        return
    yield RULE.warning(
        facts.sources.task_place(operator.file, operator.task_id, "job_id", operator.dag_id),
        str(job_id),
        f"task {operator.task_id} of DAG {operator.dag_id} runs the job with the id {job_id}, which the bundle "
        "does not have: ids differ from workspace to workspace",
        "name the job instead: job_name=…",
    )


RULE = Rule(id="job-exists", title="the Databricks job that a DAG runs is in the bundle", check=_check)
