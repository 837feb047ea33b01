"""Each notebook that a job runs is a notebook, and its Python is Python."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding
from sandbox.wiring.rules.base import Rule


def _check(facts: Facts) -> Iterator[Finding]:
    seen = set()
    for problem in (problem for each in facts.followed for problem in each.problems):
        if problem not in seen:
            seen.add(problem)
            yield RULE.error(
                problem.place, problem.place.file.name, problem.message, "correct it: its task cannot start"
            )


RULE = Rule(id="notebook-parses", title="every notebook of a job is one, and parses", check=_check)
