"""What a DAG passes to a job has a reader there."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding, close_to, listed
from sandbox.wiring.rules.base import Rule
from sandbox.wiring.rules.widgets import reads


def _check(facts: Facts) -> Iterator[Finding]:
    for operator, job in facts.runs_of_jobs:
        for argument in ("job_parameters", "notebook_params"):
            given = operator.given.get(argument)
            if not isinstance(given, dict):
                continue
            declared = job.parameters.keys() if argument == "job_parameters" else ()
            for name in sorted(map(str, given)):
                if name in declared or reads(facts, job, name):
                    continue
                known = {
                    *job.parameters,
                    *(read for called in facts.notebooks_of(job) for read in called.facts.widgets_read),
                }
                meant = close_to(name, known)
                yield RULE.error(
                    facts.sources.task_place(operator.file, operator.task_id, argument, operator.dag_id),
                    name,
                    f"task {operator.task_id} of DAG {operator.dag_id} passes {name!r} to the job {job.name!r}, "
                    "where nothing declares or reads it",
                    f"did you mean {meant!r}?" if meant else f"the job knows: {listed(known)}",
                )


RULE = Rule(id="job-parameters", title="what a DAG passes to a job is declared or read there", check=_check)
