"""What a notebook imports from the Python files beside it is there."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding
from sandbox.wiring.rules.base import Rule


def _check(facts: Facts) -> Iterator[Finding]:
    found = {key: bad for each in facts.followed for key, bad in each.bad_imports.items()}
    for bad in found.values():
        message = f"the import of {bad.subject} fails: {bad.message}"
        yield RULE.error(bad.place, bad.subject, message.replace(f"{facts.project}/", ""), bad.hint)


RULE = Rule(id="module-imports", title="what a notebook imports from the files beside it is there", check=_check)
