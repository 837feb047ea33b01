"""Each notebook that a job runs is a notebook, and its Python is Python."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding
from sandbox.wiring.notebooks.facts import NotebookFacts
from sandbox.wiring.rules.base import Rule


def _check(facts: Facts) -> Iterator[Finding]:
    seen = set()
    for called in facts.notebooks:
        for each in (called.facts, *descendants(called.facts)):
            for problem in each.problems:
                if problem not in seen:
                    seen.add(problem)
                    yield RULE.error(
                        problem.place, problem.place.file.name, problem.message, "correct it: its task cannot start"
                    )


def descendants(facts: NotebookFacts) -> Iterator[NotebookFacts]:
    """The notebooks that a notebook runs apart, and those that they run."""
    for child in facts.children:
        if child.facts is not None:
            yield child.facts
            yield from descendants(child.facts)


RULE = Rule(id="notebook-parses", title="every notebook of a job is one, and parses", check=_check)
