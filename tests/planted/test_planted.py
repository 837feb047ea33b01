"""Does the matrix notice? Each mistake is planted into a copy of the project, whose cells are run: `nox -s planted`.

Apart from the other tests because a plant takes minutes: it runs the cells of the group `pr`.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.matrix.model import load
from sandbox.matrix.selection import select
from tests.driver import REPOSITORY, Cli, Finished
from tests.git import git
from tests.planted.plants import PLANTS, Plant

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

GROUP = "pr"
TESTS = ("tests/cell/test_dags.py", "tests/cell/test_pipeline.py")
"""Those of the DAGs, the wiring and the pipeline; the others would only find the same again."""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A copy of what is under version control here, as it is now; its cells leave no sandbox."""
    folder = tmp_path / "project"
    for name in git(REPOSITORY, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        if name and (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, folder / name)
    matrix = folder / "matrix.toml"
    # not by `--tests`: the gate takes no cell for green that ran others than its own
    fewer, count = re.subn(
        r"^tests = .*$", f"tests = {json.dumps(TESTS)}", matrix.read_text("utf-8"), flags=re.MULTILINE
    )
    assert count
    matrix.write_text(fewer, "utf-8")
    yield folder
    left = sorted(path.name for path in (folder / ".sandbox").glob("cell-*"))
    assert left == [], "cells leave no sandbox"


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_exactly_the_right_cells_turn_red(plant: Plant, project: Path) -> None:
    """The mistake's cells fail and name the cause wherever a result is shown, all others pass, the gate says no."""
    plant.into(project)
    git(project, "init", "--quiet")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", plant.name)
    matrix = load(project / "matrix.toml")
    cells = {cell.id for cell in select(matrix, groups=[GROUP])}
    red = {cell.id for cell in select(matrix, [plant.red], [GROUP])}
    cli = Cli(project=project)

    ran = cli("matrix", "run", "--group", GROUP, "--json", expect=1, timeout_seconds=3000)
    gate = cli("gate", "--policy", GROUP, "--json", expect=1)

    found = {cell["id"]: cell for cell in ran.value["cells"]}
    assert {cell_id: cell["state"] for cell_id, cell in found.items()} == {
        cell_id: "failed" if cell_id in red else "passed" for cell_id in cells
    }, told(ran)
    page = cli("report", "--form", "markdown").out
    for cell_id in red:
        words = f"{found[cell_id]['reason']} {[failure(test) for test in found[cell_id]['tests']]}"
        for cause in plant.cause:
            assert cause in words, told(ran)
            assert cause in page
            assert cause in ran.err
        assert f"matrix run {cell_id}" in ran.err
    refused = {line.partition(":")[0] for line in complaints(gate, "cells")}
    assert refused == red


def failure(test: dict[str, Any]) -> str:
    """What the report says of a test that failed."""
    return f"{test['id']}: {test['message']}" if test["state"] == "failed" else ""


def complaints(gate: Finished, check: str) -> list[str]:
    """What one check of the gate complains about."""
    found: list[str] = next(each["complaints"] for each in gate.value["findings"] if each["check"] == check)
    return found


def told(ran: Finished) -> str:
    """What the run said, for whoever reads this test's failure."""
    return ran.err[-8000:]
