"""The gate's checks: each looks at one thing and says what is wrong with it; CHECKS is the list of them."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sandbox.gate.facts import Facts
from sandbox.matrix.cell import Cell
from sandbox.matrix.model import Matrix, Policy
from sandbox.report.integrity import SIGNED, complaint
from sandbox.report.model import CellResult, Report, State, TestResult, count, state_of

MOST_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked: may this report pass under this policy, things being as they are?"""

    report: Report
    facts: Facts
    matrix: Matrix
    policy: Policy

    @property
    def required(self) -> tuple[Cell, ...]:
        """The cells that must have passed."""
        return self.matrix.required(self.policy)

    def result(self, cell: Cell) -> CellResult | None:
        """What the report says of a cell."""
        return next((result for result in self.report.cells if result.id == cell.id), None)


Check = Callable[[Question], tuple[list[str], str]]
"""The complaints, none when all is well, and what was found in a few words."""


def integrity(question: Question) -> tuple[list[str], str]:
    """The report is as it was written, and signed where the policy asks for it."""
    report = question.report
    problems = [text] if (text := complaint(report, question.facts.key)) else []
    algorithm = report.integrity.algorithm if report.integrity else "none"
    if question.policy.signed and algorithm != SIGNED:
        problems.append("it is not signed, and the policy asks for that")
    return problems, f"{algorithm} fits"


def files(question: Question) -> tuple[list[str], str]:
    """The cells' records and logs are those that the report was written with."""
    named = [file for cell in question.report.cells for file in cell.files]
    problems = []
    for file in named:
        found = question.facts.files.get(file.path)
        if found is None:
            problems.append(f"{file.path} is missing")
        elif found != file.sha256:
            problems.append(f"{file.path} was changed")
    return problems, f"{len(named)} files"


def results(question: Question) -> tuple[list[str], str]:
    """Each cell's state and counts are those that its tests give."""
    problems = []
    for cell in question.report.cells:
        if cell.counts != count(test.state for test in cell.tests):
            problems.append(f"{cell.id}: its counts are not those of its tests")
        if cell.state is State.PASSED and state_of(cell.tests) is not State.PASSED:
            problems.append(f"{cell.id}: it is called passed, and its tests are not")
    return problems, f"{question.report.test_counts.total} tests"


def revision(question: Question) -> tuple[list[str], str]:
    """The report is of the revision that is checked out, which was and is unchanged."""
    tested, now = question.report.source, question.facts.source
    problems = []
    if not now.revision:
        problems.append("this is no Git repository, or it has no commit")
    elif tested.revision != now.revision:
        problems.append(f"it is of revision {tested.revision[:12] or 'none'}, this is {now.revision[:12]}: stale")
    if not tested.clean:
        problems.append(f"the tree had changes when it was tested: {_some(tested.changes)}")
    if not now.clean and now.revision:
        problems.append(f"the tree has changes now: {_some(now.changes)}")
    return problems, now.revision[:12]


def inputs(question: Question) -> tuple[list[str], str]:
    """Artefacts, chart, matrix and locks are what was tested."""
    tested, now = question.report.inputs, question.facts.inputs
    problems = [
        f"{name} {'is gone' if name not in now else 'is new' if name not in tested else 'has changed'}"
        for name in sorted({*tested, *now})
        if tested.get(name) != now.get(name)
    ]
    return problems, f"{len(now)} digests"


def locks(question: Question) -> tuple[list[str], str]:
    """What the required cells ran in came from committed locks, not from locks derived on the spot."""
    committed = {digest for name, digest in question.report.inputs.items() if name.startswith("lock:")}
    used = [
        (cell.id, runtime)
        for cell in question.required
        if (result := question.result(cell)) is not None
        for runtime in result.runtimes
    ]
    problems = [
        f"{cell}: its runtime {runtime.name} has no committed lock; `sandbox runtimes lock` writes one"
        for cell, runtime in used
        if runtime.lock_sha256 not in committed
    ]
    problems += [
        f"{result.id}: the report does not say which runtimes it ran in"
        for cell in question.required
        if (result := question.result(cell)) is not None and result.state is State.PASSED and not result.runtimes
    ]
    return problems, f"{len({runtime.name for _, runtime in used})} runtimes"


def variables(question: Question) -> tuple[list[str], str]:
    """The required cells had the settings of sandbox.toml and their own, no others from the shell that ran them."""
    results = [(cell.id, result) for cell in question.required if (result := question.result(cell)) is not None]
    problems = [f"{cell}: set by the shell: {_some(result.variables)}" for cell, result in results if result.variables]
    return problems, "none of the shell's"


def images(question: Question) -> tuple[list[str], str]:
    """Cells of one row on several backends ran the same images, and those that need images say which.

    An image that is on this machine must still be the one that was tested: a newer base makes another one of the same
    name.
    """
    seen: dict[tuple[str, str], str] = {}
    problems = []
    for cell in question.required:
        result = question.result(cell)
        if result is None or result.state is not State.PASSED:
            continue
        if cell.backend != "process" and not result.images:
            problems.append(f"{cell.id}: the report does not say which images it ran")
        for name, digest in result.images.items():
            reference, _, tested = digest.partition("@")
            here = question.facts.images.get(reference)
            if here not in (None, tested):
                problems.append(f"{cell.id}: image {reference} was built anew: it is {here} here, tested was {tested}")
            row = f"{cell.airflow}-{cell.python}-{cell.engine}-{cell.databricks}"
            known = seen.setdefault((row, name), digest)
            if known != digest:
                problems.append(f"{cell.id}: image {name} is {digest}, another cell of this row ran {known}")
    compared = sum(digest.partition("@")[0] in question.facts.images for digest in seen.values())
    return problems, f"{len(seen)} images, {compared} of them on this machine" if seen else "none were used"


def age(question: Question) -> tuple[list[str], str]:
    """The report is not older than the policy allows."""
    hours = (question.facts.now - datetime.fromisoformat(question.report.created)).total_seconds() / 3600
    most = question.policy.max_age_hours
    if hours < -0.1:
        return [f"it was created {-hours:.1f} hours in the future"], ""
    if most is not None and hours > most:
        return [f"it is {hours:.1f} hours old, the policy allows {most:g}"], ""
    return [], f"{hours:.1f} hours old" + ("" if most is None else f" of {most:g}")


def cells(question: Question) -> tuple[list[str], str]:
    """Every required cell passed: failed, skipped and not run are not passed, and neither is one that is missing."""
    problems = []
    for cell in question.required:
        result = question.result(cell)
        if result is None:
            problems.append(f"{cell.id}: not in the report")
        elif result.state is not State.PASSED and not (
            result.state is State.SKIPPED and _may_be_skipped(result.tests, question.policy)
        ):
            problems.append(f"{cell.id}: {result.state.words}" + (f": {result.reason}" if result.reason else ""))
        elif result.asked != (asked := question.matrix.tests(cell)):
            problems.append(f"{cell.id}: ran {' '.join(result.asked) or 'no tests'} instead of {' '.join(asked)}")
        elif result.flaky and not question.policy.allow_flaky:
            problems.append(f"{cell.id}: flaky: passed only when retried")
    return problems, f"{len(question.required)} required cells passed"


def _may_be_skipped(tests: tuple[TestResult, ...], policy: Policy) -> bool:
    """Whether every test that did not pass is one of those that the policy lets be skipped; one must have passed."""
    others = [test for test in tests if test.state is not State.PASSED]
    excused = all(
        test.state is State.SKIPPED and any(fnmatch.fnmatchcase(test.id, pattern) for pattern in policy.may_skip)
        for test in others
    )
    return excused and len(others) < len(tests)


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


CHECKS: dict[str, Check] = {
    "integrity": integrity,
    "files": files,
    "results": results,
    "revision": revision,
    "inputs": inputs,
    "locks": locks,
    "variables": variables,
    "images": images,
    "age": age,
    "cells": cells,
}
"""By name, in the order of the verdict's table."""
