"""A table that is read and that nobody writes is not a slip of one that somebody writes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding, close_to
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
            names = {other.rpartition(".")[2] for other in written - each.reads.keys() if _beside(other, table)}
            if meant := close_to(name, names, alike=ALIKE):
                message = f"the notebook reads {table}, which no notebook writes, and {schema}.{meant} is written"
                yield RULE.warning(place, table, message, f"did you mean {meant}?")


def _beside(other: str, table: str) -> bool:
    """In the same schema, and no `events2` beside `events`: numbers are no slips."""
    same_schema = other.rpartition(".")[0] == table.rpartition(".")[0]
    return same_schema and re.findall(r"\d+", other) == re.findall(r"\d+", table)


RULE = Rule(id="table-known", title="a table that nobody writes is no slip of one that is written", check=_check)
