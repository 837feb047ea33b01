"""A disk without room is told before a sandbox begins, and instead of its consequences."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sandbox import room
from sandbox.errors import PrerequisiteMissing


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many MiB every disk has left; a test changes it."""
    figures = {"mib": 1000}
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**12, 0, figures["mib"] * 2**20))
    return figures


def test_a_new_sandbox_needs_room(tmp_path: Path, left: dict[str, int]) -> None:
    """The figures and the folder are named, also when the folder does not exist yet."""
    folder = tmp_path / ".sandbox" / "default"
    room.require(folder)
    left["mib"] = 39

    with pytest.raises(PrerequisiteMissing, match="256 MiB needed, 39 MiB free") as caught:
        room.require(folder)

    assert str(folder) in caught.value.why
    assert f"df -h '{tmp_path}'" in caught.value.next_command


def test_a_full_disk_is_the_reason(tmp_path: Path, left: dict[str, int]) -> None:
    """Little room is no reason yet, none is."""
    left["mib"] = 2
    room.refuse_full(tmp_path)
    left["mib"] = 0

    with pytest.raises(PrerequisiteMissing, match="the disk is full"):
        room.refuse_full(tmp_path)
