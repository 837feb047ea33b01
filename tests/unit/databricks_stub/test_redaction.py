"""Secrets are taken out of texts."""

from __future__ import annotations

from sandbox.databricks_stub.redaction import redacted


def test_secrets_are_replaced_wherever_texts_are() -> None:
    """In texts, lists and dicts; one inside of another leaves no rest, an empty one is none."""
    assert redacted({"a": ["a password", 1, ("pass",)]}, {"pass", "password", ""}) == {
        "a": ["a [REDACTED]", 1, ["[REDACTED]"]]
    }
