"""A service that answers late is not one that has died."""

from __future__ import annotations

from sandbox import health


def test_a_late_answer_is_no_complaint() -> None:
    """It was silent twice, then it answered."""
    answers = iter(["timed out", "timed out", ""])

    assert health.lasting(lambda: next(answers), seconds=30) == ""


def test_what_lasts_is_told() -> None:
    """The last complaint, when there was nothing else all the time."""
    assert health.lasting(lambda: "connection refused", seconds=0.01) == "connection refused"
