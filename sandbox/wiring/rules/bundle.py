"""The bundle can be read, and what it calls jobs are jobs."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.databricks_stub.jobspec import JobSpecError, parse
from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding
from sandbox.wiring.rules.base import Rule


def _check(facts: Facts) -> Iterator[Finding]:
    if facts.bundle_error is not None:
        error = facts.bundle_error
        yield RULE.error(error.place, error.place.file.name, str(error), "correct this line: no job can run before")
    for job in facts.bundle.jobs if facts.bundle else ():
        # what depends_on says has rules and lines of its own
        settings = dict(job.settings)
        if isinstance(settings.get("tasks"), list):
            settings["tasks"] = [
                {**task, "depends_on": []} if isinstance(task, dict) else task for task in settings["tasks"]
            ]
        try:
            parse(settings)
        except JobSpecError as error:
            for problem in error.problems:
                yield RULE.error(job.place, job.key, f"job {job.key}: {problem}", "correct the job's definition")


RULE = Rule(id="bundle", title="databricks.yml can be read, and its jobs are valid", check=_check)
