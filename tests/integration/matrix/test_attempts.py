"""A cell that is run again: what it says of the attempt that failed."""

from __future__ import annotations

from pathlib import Path

from sandbox.matrix import campaign
from sandbox.report.model import State
from tests.integration.matrix.test_runner import running

SHAKY = """
import pathlib
import pytest

def test_shaky():
    mark = pathlib.Path("was here")
    if not mark.exists():
        mark.touch()
        raise OSError("port taken")

def test_later():
    pytest.skip("not here")
"""


def test_the_first_attempt_is_not_forgotten(tmp_path: Path) -> None:
    """Its failures and its files are the result's, and the cell is flaky, also where it may be skipped."""
    result = campaign.run_cell(running(tmp_path, SHAKY), 2)

    assert (result.state, result.flaky, result.attempts) == (State.SKIPPED, True, 2)
    assert [(test.id, test.state, test.message) for test in result.retried] == [
        ("test_it.py::test_shaky", State.FAILED, "OSError: port taken")
    ]
    folders = {Path(file.path).parts[0] for file in result.files}
    assert folders == {result.id, f"{result.id}.attempt-1"}
    assert all((tmp_path / "run" / file.path).is_file() for file in result.files)
