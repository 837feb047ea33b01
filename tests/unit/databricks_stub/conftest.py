"""A running workspace over fakes for each test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.databricks_stub.fakes import Harness


@pytest.fixture
def harnesses(tmp_path: Path) -> Iterator[Any]:
    """Makes workspaces, and stops them after the test."""
    made: list[Harness] = []

    def make(**changes: Any) -> Harness:
        made.append(Harness(changes.pop("root", tmp_path), **changes))
        return made[-1]

    yield make
    for harness in made:
        for gate in harness.runner.held.values():
            gate.set()
        if harness.runner.sql_gate is not None:
            harness.runner.sql_gate.set()
        if not harness.runner.closed:
            harness.workspace.stop()


@pytest.fixture
def harness(harnesses: Any) -> Harness:
    """A workspace that runs what it accepts."""
    made: Harness = harnesses()
    return made.start()
