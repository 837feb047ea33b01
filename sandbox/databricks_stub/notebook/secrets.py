"""Secrets that a notebook has read do not stay in what is kept of it: outputs, errors, tracebacks.

The kernel redacts what it prints (kernel/redaction.py); here the rest is caught, whichever way it came: the value of an
expression, an exception, a write in pieces, a shell command. The kernel only tells names, so no secret is in a file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.redaction import redacted

REVEALED_FILE = "revealed_secrets.json"


class Redactor:
    """Knows the secrets' values by scope and key, and learns from a file which of them the notebook has read."""

    def __init__(self, secrets: Mapping[str, Mapping[str, str]], output_dir: Path) -> None:
        self._secrets = secrets
        self._file = output_dir / REVEALED_FILE

    def __call__(self, value: Any) -> Any:
        """The value, with every revealed secret in its texts replaced."""
        revealed = self._revealed()
        return redacted(value, revealed) if revealed else value

    def _revealed(self) -> set[str]:
        try:
            names = json.loads(self._file.read_text("utf-8"))
        except FileNotFoundError:
            return set()
        return {self._secrets.get(scope, {}).get(key, "") for scope, key in names} - {""}
