"""Runs the rules over the facts, and leaves out what the project has chosen to ignore."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from sandbox.wiring.dag_import import ImportReport
from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding, Place, Severity
from sandbox.wiring.rules import RULES

DAG_IMPORTS = "dag-imports"
"""The one rule that is Airflow's own."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """All findings, errors first; `skipped` holds the rules that could not judge, each with the reason."""

    findings: tuple[Finding, ...]
    skipped: dict[str, str]
    ignored: int

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is Severity.WARNING)


def check(facts: Facts, imported: ImportReport, *, further: Iterable[Finding] = ()) -> Verdict:
    """The verdict on a project whose DAG files have been imported; `further` findings are judged with the others."""
    facts = replace(facts, dags=imported.dags, import_failed=bool(imported.import_errors))
    findings = [*_not_imported(imported, facts), *further]
    skipped: dict[str, str] = {}
    for rule in RULES.values():
        if rule.needs_dags and facts.import_failed:
            skipped[rule.id] = "a DAG file did not import: what it would write is not known"
            continue
        findings += rule.check(facts)
    # one notebook may be reached in several ways
    findings = list(dict.fromkeys(findings))
    kept = [finding for finding in findings if not is_ignored(finding, facts.settings.ignore)]
    kept.sort(key=lambda finding: (finding.severity is not Severity.ERROR, finding.place.file, finding.place.line))
    return Verdict(findings=tuple(kept), skipped=skipped, ignored=len(findings) - len(kept))


def _not_imported(imported: ImportReport, facts: Facts) -> Iterator[Finding]:
    for error in imported.import_errors:
        file = Path(error["file"])
        line = error["line"] or _line_of_dag(file, error["message"], facts)
        yield Finding(
            rule=DAG_IMPORTS,
            severity=Severity.ERROR,
            place=Place(file=file, line=line),
            subject=file.name,
            message=error["message"],
            hint="correct it: Airflow does not see the DAGs of a file that does not import",
        )


def _line_of_dag(file: Path, message: str, facts: Facts) -> int:
    """What is wrong with a DAG as a whole (a circle, its schedule) comes without a line."""
    lines = {dag_id: place.line for (path, dag_id), place in facts.sources.dags.items() if path == file}
    named = [line for dag_id, line in lines.items() if dag_id in message]
    return min(named or lines.values(), default=1)


def is_ignored(finding: Finding, patterns: Sequence[str]) -> bool:
    """Whether `rule` or `rule:subject` is among the patterns, in which `*` stands for anything."""
    return any(
        fnmatchcase(finding.rule, pattern) or fnmatchcase(f"{finding.rule}:{finding.subject}", pattern)
        for pattern in patterns
    )
