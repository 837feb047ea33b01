"""`sandbox gate`: may this revision be promoted, by the evidence of its report?"""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
from pathlib import Path

import click

from sandbox.artefacts import decisive
from sandbox.cli.matrix import read
from sandbox.cli.session import Session, common_options
from sandbox.console import table
from sandbox.errors import ConfigurationError, TestsFailed
from sandbox.gate import evidence, facts
from sandbox.gate.checks import Question
from sandbox.gate.verdict import Verdict, evaluate
from sandbox.matrix.campaign import tested
from sandbox.matrix.model import Matrix, Policy
from sandbox.report import store
from sandbox.report.integrity import KEY_VARIABLE, of_file


@click.command("gate")
@click.argument("report", required=False, type=click.Path(path_type=Path))
@common_options
@click.option("--policy", "asked", default="release", show_default=True, help="A policy of the matrix file.")
@click.option("--evidence", "target", type=click.Path(path_type=Path), help="Where the evidence is written.")
def command(session: Session, report: Path | None, asked: str, target: Path | None) -> None:
    """Check REPORT (default: the last one) against a policy. Exit code 0 only when every check is content."""
    project = session.paths.project
    matrix = read(session)
    policy = _policy(matrix, asked)
    document = store.document(report or store.latest(project))
    folder = document.parent
    found = store.read(document)
    known = facts.gather(
        found,
        folder,
        project,
        artefacts=decisive(session.config, project),
        tested=tested(matrix, project, session.config),
        key=os.environ.get(KEY_VARIABLE, ""),
    )
    question = Question(report=found, facts=known, matrix=matrix, policy=policy)
    verdict = evaluate(question, policy=asked)
    file = target or folder / evidence.FILE_NAME
    _must_be_evidence(file)
    file.unlink(missing_ok=True)  # what an earlier verdict left must not be taken for this one's
    if verdict.passed:
        text = evidence.statement(found, of_file(document), question.required, verdict)
        file.write_text(json.dumps(text, indent=1) + "\n", encoding="utf-8")
    _show(session, verdict, document, file)


def _must_be_evidence(file: Path) -> None:
    """Raise ConfigurationError when something else lies where the evidence goes: it would be deleted."""
    if not file.parent.is_dir():
        raise ConfigurationError(f"there is no folder {file.parent}", why="--evidence names a file in it")
    if file.is_dir() or (file.exists() and evidence.STATEMENT.encode() not in file.read_bytes()):
        raise ConfigurationError(f"{file} is no evidence", why="it would be overwritten; --evidence names another file")


def _policy(matrix: Matrix, name: str) -> Policy:
    if name not in matrix.policies:
        raise ConfigurationError(
            f"there is no policy {name}",
            why=f"{matrix.file.name} has: {', '.join(matrix.policies) or 'none'}",
            next_command=f"$EDITOR {shlex.quote(str(matrix.file))}",
        )
    return matrix.policies[name]


def _show(session: Session, verdict: Verdict, document: Path, file: Path) -> None:
    terminal = session.terminal
    terminal.result(
        {
            "schema": 1,
            "policy": verdict.policy,
            "passed": verdict.passed,
            "report": str(document),
            "evidence": str(file) if verdict.passed else None,
            "findings": [dataclasses.asdict(finding) | {"ok": finding.ok} for finding in verdict.findings],
        }
    )
    rows = [
        ("✓" if finding.ok else "✗", finding.check, finding.found if finding.ok else finding.complaints[0])
        for finding in verdict.findings
    ]
    terminal.show(table(("", "check", verdict.policy), rows))
    if verdict.passed:
        terminal.say(f"the gate says yes; evidence: {file}")
        return
    wrong = [finding for finding in verdict.findings if not finding.ok]
    raise TestsFailed(
        f"the gate says no: {len(wrong)} of {len(verdict.findings)} checks",
        why="\n".join(f"{finding.check}: {line}" for finding in wrong for line in finding.complaints[:10]),
        next_command=" ".join(["sandbox matrix run", *_groups(session, verdict.policy)]),
    )


def _groups(session: Session, policy: str) -> list[str]:
    return [f"--group {group}" for group in read(session).policies[policy].groups]
