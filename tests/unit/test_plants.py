"""The planted mistakes still have their places: what `nox -s planted` would find out after minutes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sandbox.matrix.model import load
from sandbox.matrix.selection import select
from tests.driver import REPOSITORY
from tests.planted.plants import PLANTS, Plant


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_each_mistake_has_one_place_and_breaks_cells(plant: Plant, tmp_path: Path) -> None:
    """The file has the healthy text once, and the group `pr` has a cell that the mistake breaks."""
    (tmp_path / plant.file).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(REPOSITORY / plant.file, tmp_path / plant.file)

    plant.into(tmp_path)

    assert plant.broken in (tmp_path / plant.file).read_text("utf-8")
    assert select(load(REPOSITORY / "matrix.toml"), [plant.red], ["pr"])


def test_some_mistakes_break_some_cells_only() -> None:
    """Otherwise nothing would show that the others stay green."""
    matrix = load(REPOSITORY / "matrix.toml")
    everything = select(matrix, groups=["pr"])

    partial = [plant for plant in PLANTS if select(matrix, [plant.red], ["pr"]) != everything]

    assert len(partial) >= 3
