"""What the gate refuses, and by which check."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.gate.checks import CHECKS, Question
from sandbox.gate.evidence import statement
from sandbox.gate.verdict import evaluate
from sandbox.matrix.model import Policy
from sandbox.report.integrity import sealed
from sandbox.report.model import Report, RuntimeUsed, Source, State, TestResult
from tests.docs.pages import text
from tests.unit.gate.conftest import INPUTS, make_facts, make_report
from tests.unit.report.conftest import PASSED

GOOD = TestResult(id="tests/cell/a.py::test_good", state=State.PASSED)
SKIPPED = TestResult(id="tests/cell/a.py::test_skipped", state=State.SKIPPED, message="why not")


def complaints(question: Question) -> dict[str, tuple[str, ...]]:
    verdict = evaluate(question, policy="release")
    assert verdict.passed == (not any(finding.complaints for finding in verdict.findings))
    return {finding.check: finding.complaints for finding in verdict.findings if finding.complaints}


def test_yes(question: Question) -> None:
    """Every check is asked, and says what it found."""
    verdict = evaluate(question, policy="release")

    assert verdict.passed
    assert [finding.check for finding in verdict.findings] == list(CHECKS)
    assert all(finding.found for finding in verdict.findings)


def test_every_check_is_documented() -> None:
    """Each has its row in gate.md."""
    assert all(f"| `{name}` |" in text("docs/gate.md") for name in CHECKS)


def test_an_edited_report(question: Question) -> None:
    """A cell turned to green does not have the digest of the report that was written."""
    report = make_report(TestResult(id="t", state=State.FAILED), state=State.FAILED)
    edited = report.model_copy(
        update={"cells": (report.cells[0].model_copy(update={"state": State.PASSED}),), "integrity": report.integrity}
    )

    assert complaints(replace(question, report=edited)) == {
        "integrity": ("it was changed after it was written",),
        "results": (f"{PASSED}: it is called passed, and its tests are not",),
    }


def test_an_edited_report_with_a_new_digest(question: Question) -> None:
    """The tests below the state still say what happened, unless all of it is made up; a signature prevents that."""
    report = make_report(TestResult(id="t", state=State.FAILED), state=State.PASSED)

    assert "results" in complaints(replace(question, report=report))


SIGNED = Policy(groups=("release",), signed=True)


@pytest.mark.parametrize(
    ("key_of_report", "key_here", "complaint"),
    [
        ("secret", "secret", None),
        ("other", "secret", "it was changed after it was written, or signed with another key"),
        ("", "secret", "it is not signed, and the policy asks for that"),
        ("secret", "", "it is signed, and SANDBOX_REPORT_KEY is not set: the signature cannot be checked"),
    ],
)
def test_signatures(question: Question, key_of_report: str, key_here: str, complaint: str | None) -> None:
    """A policy may ask for them; only the key makes one."""
    report = sealed(make_report(), key_of_report)
    found = complaints(replace(question, report=report, facts=make_facts(key=key_here), policy=SIGNED))

    assert found == ({"integrity": (complaint,)} if complaint else {})


@pytest.mark.parametrize(
    ("facts", "check", "complaint"),
    [
        ({"files": {"x/events.jsonl": None}}, "files", "x/events.jsonl is missing"),
        ({"files": {"x/events.jsonl": "5" * 64}}, "files", "x/events.jsonl was changed"),
        ({"source": Source()}, "revision", "this is no Git repository, or it has no commit"),
        (
            {"source": Source(revision="b" * 40, clean=True)},
            "revision",
            "it is of revision aaaaaaaaaaaa, this is bbbbbbbbbbbb: stale",
        ),
        (
            {"source": Source(revision="a" * 40, changes=("dags/x.py",))},
            "revision",
            "the tree has changes now: dags/x.py",
        ),
        ({"inputs": INPUTS | {"dags": "9" * 64}}, "inputs", "dags has changed"),
        ({"inputs": INPUTS | {"chart": "9" * 64}}, "inputs", "chart is new"),
        ({"inputs": {key: value for key, value in INPUTS.items() if key != "dags"}}, "inputs", "dags is gone"),
        ({"now": datetime(2025, 12, 31, tzinfo=UTC)}, "age", "it was created 24.0 hours in the future"),
    ],
)
def test_things_have_changed(question: Question, facts: dict[str, Any], check: str, complaint: str) -> None:
    """What was tested is not what is here."""
    assert complaints(replace(question, facts=make_facts(**facts))) == {check: (complaint,)}


@pytest.mark.parametrize(
    ("here", "complaint"),
    [
        ({}, None),
        ({"repo/airflow:1": "sha256:" + "7" * 64}, None),
        ({"repo/airflow:1": "sha256:" + "8" * 64}, "image repo/airflow:1 was built anew: it is sha256:8888"),
    ],
)
def test_an_image_that_was_built_anew(question: Question, here: dict[str, str], complaint: str | None) -> None:
    """Is another one, whatever its name; one that is not on this machine cannot be compared."""
    report = make_report(cell={"images": {"airflow": "repo/airflow:1@sha256:" + "7" * 64}})

    found = complaints(replace(question, report=report, facts=make_facts(images=here)))

    assert list(found) == (["images"] if complaint else [])
    assert not complaint or complaint in found["images"][0]


def test_a_tree_that_was_not_clean(question: Question) -> None:
    """When it was tested."""
    source = Source(revision="a" * 40, clean=False, changes=tuple("abcdefg"))

    assert complaints(replace(question, report=make_report(source=source))) == {
        "revision": ("the tree had changes when it was tested: a, b, c, d, e and 2 more",)
    }


def test_age(question: Question) -> None:
    """Only where the policy has a limit."""
    policy = Policy(groups=("release",), max_age_hours=0.5)

    assert complaints(replace(question, policy=policy)) == {"age": ("it is 1.0 hours old, the policy allows 0.5",)}


@pytest.mark.parametrize(
    ("report", "complaint"),
    [
        (make_report(cells=()), f"{PASSED}: not in the report"),
        (make_report(GOOD, SKIPPED, state=State.SKIPPED), f"{PASSED}: skipped"),
        (
            make_report(GOOD, state=State.NOT_RUN, cell={"reason": "no docker"}),
            f"{PASSED}: not run: no docker",
        ),
        (make_report(cell={"flaky": True}), f"{PASSED}: flaky: passed only when retried"),
        (make_report(cell={"asked": ("tests/cell/a.py",)}), f"{PASSED}: ran tests/cell/a.py instead of tests/cell"),
        (make_report(cell={"asked": ()}), f"{PASSED}: ran no tests instead of tests/cell"),
    ],
)
def test_not_passed(question: Question, report: Report, complaint: str) -> None:
    """Missing, skipped, not run, flaky and other tests than the cell's are not passed."""
    files = {file.path: file.sha256 for cell in report.cells for file in cell.files}

    assert complaints(replace(question, report=report, facts=make_facts(files=files))) == {"cells": (complaint,)}


@pytest.mark.parametrize(("pattern", "passes"), [("tests/cell/*skipped", True), ("tests/cell/b*", False)])
def test_a_policy_may_allow_a_skip(question: Question, pattern: str, passes: bool) -> None:
    """By pattern, and only when something passed."""
    policy = Policy(groups=("release",), may_skip=(pattern,))
    report = make_report(GOOD, SKIPPED, state=State.SKIPPED)
    only_skipped = make_report(SKIPPED, state=State.SKIPPED)

    retried = make_report(GOOD, SKIPPED, state=State.SKIPPED, cell={"flaky": True})

    assert (complaints(replace(question, report=report, policy=policy)) == {}) is passes
    assert "cells" in complaints(replace(question, report=retried, policy=policy))
    assert "cells" in complaints(replace(question, report=only_skipped, policy=policy))


def test_a_derived_lock(question: Question) -> None:
    """A runtime of a lock that nobody committed is not what will run."""
    runtimes = (RuntimeUsed(name="airflow-3.0.2-py3.11", key="k", lock_sha256="8" * 64),)

    assert complaints(replace(question, report=make_report(cell={"runtimes": runtimes}))) == {
        "locks": (
            f"{PASSED}: its runtime airflow-3.0.2-py3.11 has no committed lock; `sandbox runtimes lock` writes one",
        )
    }


def test_settings_of_the_shell(question: Question) -> None:
    """A smaller archive, say, is not what sandbox.toml says is tested."""
    report = make_report(cell={"variables": ("SANDBOX_ARCHIVE_SAMPLE_POSTS",)})

    assert complaints(replace(question, report=report)) == {
        "variables": (f"{PASSED}: set by the shell: SANDBOX_ARCHIVE_SAMPLE_POSTS",)
    }


def test_the_evidence(question: Question) -> None:
    """An in-toto Statement about the commit and the images, with the digests of everything."""
    report = make_report(cell={"images": {"airflow": "repo/airflow:1@sha256:" + "7" * 64}})

    found = statement(report, "6" * 64, question.required, evaluate(question, policy="release"))

    assert found["_type"] == "https://in-toto.io/Statement/v1"
    assert found["subject"] == [
        {"name": "source", "digest": {"gitCommit": "a" * 40}},
        {"name": "repo/airflow:1", "digest": {"sha256": "7" * 64}},
    ]
    assert found["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert found["predicate"]["result"] == "PASSED"
    assert found["predicate"]["passedTests"] == [f"{PASSED}/tests/cell/a.py::test_a"]
    assert {entry["name"] for entry in found["predicate"]["configuration"]} == {"report.json", *INPUTS}
