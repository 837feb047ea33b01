"""Secrets that were read are replaced everywhere, others are left alone."""

from __future__ import annotations

import json
from pathlib import Path

from sandbox.databricks_stub.notebook.secrets import REVEALED_FILE, Redactor

SECRETS = {"a": {"short": "pass", "long": "password", "unread": "visible", "empty": ""}}


def reveal(folder: Path, *names: tuple[str, str]) -> None:
    (folder / REVEALED_FILE).write_text(json.dumps(names), "utf-8")


def test_nothing_is_redacted_before_a_secret_was_read(tmp_path: Path) -> None:
    assert Redactor(SECRETS, tmp_path)("password visible") == "password visible"


def test_only_secrets_that_were_read_are_redacted(tmp_path: Path) -> None:
    reveal(tmp_path, ("a", "long"), ("a", "empty"), ("gone", "x"))
    assert Redactor(SECRETS, tmp_path)("a password, visible") == "a [REDACTED], visible"


def test_a_secret_inside_another_leaves_no_rest(tmp_path: Path) -> None:
    reveal(tmp_path, ("a", "short"), ("a", "long"))
    assert Redactor(SECRETS, tmp_path)("password pass") == "[REDACTED] [REDACTED]"


def test_nested_outputs_are_redacted(tmp_path: Path) -> None:
    reveal(tmp_path, ("a", "long"))
    output = [{"data": {"text/plain": "'password'", "n": 1}, "traceback": ["x", "password"]}]
    assert Redactor(SECRETS, tmp_path)(output) == [
        {"data": {"text/plain": "'[REDACTED]'", "n": 1}, "traceback": ["x", "[REDACTED]"]}
    ]
