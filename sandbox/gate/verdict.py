"""The verdict: every check's finding, and yes only when there is no complaint."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.gate.checks import CHECKS, Question


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check found."""

    check: str
    complaints: tuple[str, ...]
    found: str

    @property
    def ok(self) -> bool:
        """Whether it has no complaint."""
        return not self.complaints


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the gate says of a report under a policy."""

    policy: str
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether every check is content."""
        return all(finding.ok for finding in self.findings)


def evaluate(question: Question, *, policy: str) -> Verdict:
    """Ask every check; a check that finds fault does not keep the others from being asked."""
    findings = []
    for name, check in CHECKS.items():
        complaints, found = check(question)
        findings.append(Finding(check=name, complaints=tuple(complaints), found="" if complaints else found))
    return Verdict(policy=policy, findings=tuple(findings))
