"""The evidence of a verdict as an in-toto Statement with the predicate `test-result`.

Documented: https://github.com/in-toto/attestation (Statement v1) and its spec/predicates/test-result.md. It is not
signed here: whoever attaches it to an image signs it there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sandbox.gate.verdict import Verdict
from sandbox.matrix.cell import Cell
from sandbox.report.model import Report, State

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
FILE_NAME = "evidence.intoto.json"


def statement(report: Report, report_sha256: str, required: Sequence[Cell], verdict: Verdict) -> dict[str, Any]:
    """Subjects are the revision and the images that were tested, the configuration is what they were tested with."""
    wanted = {cell.id for cell in required}
    cells = [cell for cell in report.cells if cell.id in wanted]
    images = dict(sorted(_image(text) for cell in cells for text in cell.images.values()))
    subjects: list[dict[str, Any]] = [{"name": "source", "digest": {"gitCommit": report.source.revision}}]
    subjects += [{"name": name, "digest": {"sha256": digest}} for name, digest in images.items()]
    configuration: list[dict[str, Any]] = [
        {
            "name": "report.json",
            "digest": {"sha256": report_sha256},
            "annotations": {
                "id": report.id,
                "created": report.created,
                "tool": f"sandbox {report.tool_version}",
                "policy": verdict.policy,
            },
        }
    ]
    configuration += [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(report.inputs.items())]
    named = {
        state: [f"{cell.id}/{test.id}" for cell in cells for test in cell.tests if test.state is state]
        for state in State
    }
    return {
        "_type": STATEMENT,
        "subject": subjects,
        "predicateType": PREDICATE,
        "predicate": {
            "result": "PASSED" if verdict.passed else "FAILED",
            "configuration": configuration,
            "passedTests": named[State.PASSED],
            "warnedTests": named[State.SKIPPED],
            "failedTests": [*named[State.FAILED], *named[State.NOT_RUN]],
        },
    }


def _image(text: str) -> tuple[str, str]:
    """`repository:tag@sha256:digest` as name and digest."""
    reference, _, digest = text.partition("@")
    return reference, digest.removeprefix("sha256:")
