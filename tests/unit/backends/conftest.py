"""A `kubectl` that answers from files."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox.backends.kind_tools import Tools

SCRIPT = """#!/bin/sh
dir=$(dirname "$0")
echo "$*" >> "$dir/calls"
for answer in "$dir"/answers/*; do
  case "$*" in *"$(basename "$answer" | tr _ ' ')"*) cat "$answer"; exit 0;; esac
done
echo "no answer to: $*" >&2
exit 1
"""
Answer = Callable[[Mapping[str, Any]], None]


@pytest.fixture
def answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Sets what `kubectl` prints, by words that its arguments hold (`_` for a blank)."""
    folder = tmp_path / "bin"
    (folder / "answers").mkdir(parents=True)
    program = folder / "kubectl"
    program.write_text(SCRIPT)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def set_answers(answers: Mapping[str, Any]) -> None:
        for words, value in answers.items():
            (folder / "answers" / words).write_text(value if isinstance(value, str) else json.dumps(value))

    return set_answers


@pytest.fixture
def tools() -> Tools:
    """Aimed at the context `staging` of the user's kubeconfig."""
    return Tools(kubeconfig=None, namespace="data-platform", context="staging")
