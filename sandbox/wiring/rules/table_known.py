"""A table that is read and that nobody writes is not a slip of one that somebody writes."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding, slip_of
from sandbox.wiring.rules.base import Rule

ALIKE = 0.8


def _check(facts: Facts) -> Iterator[Finding]:
    written = {table for each in facts.followed for table in each.writes}
    seen = set()
    for each in facts.followed:
        for table, place in each.reads.items():
            if table in written or (table, place) in seen:
                continue
            seen.add((table, place))
            schema, _, name = table.rpartition(".")
            # a notebook that reads both knows that they are two
            beside = (other.rpartition(".") for other in written - each.reads.keys())
            names = {last for first, _, last in beside if first == schema}
            if meant := slip_of(name, names, alike=ALIKE):
                message = f"the notebook reads {table}, which no notebook writes, and {schema}.{meant} is written"
                yield RULE.warning(place, table, message, f"did you mean {meant}?")


RULE = Rule(id="table-known", title="a table that nobody writes is no slip of one that is written", check=_check)
