"""Interpreters of the locked runtimes, for tests that need one beside or without a sandbox."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from sandbox.errors import PrerequisiteMissing
from sandbox.progress import Silent
from sandbox.runtimes.build import ensure

NO_PYTHON = "no Python for"


def interpreter(runtime: str) -> Path:
    """The Python of a runtime, built when it has to be.

    Skips the test, with the reason, where the runtime's Python minor version is not on this machine and cannot be
    downloaded either.
    """
    python, lack = _build(runtime)
    if python is None:
        pytest.skip(lack)
    return python


@functools.cache
def _build(runtime: str) -> tuple[Path | None, str]:
    try:
        return ensure([runtime], progress=Silent())[runtime].python, ""
    except PrerequisiteMissing as error:
        if not error.what.startswith(NO_PYTHON):
            raise
        return None, f"{error.what}, nor can it be downloaded"
