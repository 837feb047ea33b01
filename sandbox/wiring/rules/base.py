"""What a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding, Place, Severity


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule: `check` yields what breaks it. `needs_dags`: without all DAGs it would accuse those that are there."""

    id: str
    title: str
    check: Callable[[Facts], Iterator[Finding]]
    needs_dags: bool = False

    def error(self, place: Place, subject: str, message: str, hint: str) -> Finding:
        """A finding that fails or computes something wrong."""
        return self._finding(Severity.ERROR, place, subject, message, hint)

    def warning(self, place: Place, subject: str, message: str, hint: str) -> Finding:
        """A finding that runs, but is most likely a mistake."""
        return self._finding(Severity.WARNING, place, subject, message, hint)

    def _finding(self, severity: Severity, place: Place, subject: str, message: str, hint: str) -> Finding:
        return Finding(rule=self.id, severity=severity, place=place, subject=subject, message=message, hint=hint)
