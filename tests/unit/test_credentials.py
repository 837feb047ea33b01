"""Credentials are generated once and readable by the owner alone."""

from __future__ import annotations

import base64
import dataclasses
import json
from pathlib import Path

from sandbox.credentials import generate, load_or_generate


def test_generated_once_and_private(tmp_path: Path) -> None:
    """The second call reads what the first one wrote, and the file has mode 0600."""
    file = tmp_path / "credentials.json"

    first, second = load_or_generate(file), load_or_generate(file)

    assert first == second
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_new_field_is_added_to_old_credentials(tmp_path: Path) -> None:
    """Credentials written by an older version keep their values and get what is new."""
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps({"databricks_token": "old"}))

    completed = load_or_generate(file)

    assert completed.databricks_token == "old"
    assert json.loads(file.read_text()) == dataclasses.asdict(completed)


def test_the_fernet_key_has_32_bytes() -> None:
    """Fernet takes exactly 32 bytes in URL-safe base64."""
    assert len(base64.urlsafe_b64decode(generate().fernet_key)) == 32


def test_no_two_are_alike() -> None:
    """Every sandbox has secrets of its own."""
    assert generate() != generate()
