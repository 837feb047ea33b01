"""The DAG folder of the cells' tests is there as long as a test process uses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.paths import StatePaths
from tests.cell.dag_folder import copied


@pytest.fixture
def paths(tmp_path: Path) -> StatePaths:
    """A sandbox of a project with two folders of DAGs."""
    for name in ("dags", "more"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.py").write_text("")
    return StatePaths(project=tmp_path, name="pytest-1")


def left(paths: StatePaths) -> list[str]:
    """What lies where the sandboxes' folders are."""
    return sorted(path.name for path in (paths.project / ".sandbox").iterdir())


def test_the_last_user_removes_it(paths: StatePaths) -> None:
    """Not the first one that leaves, nor one that came later."""
    sources = (paths.project / "dags", paths.project / "more")

    with copied(sources, paths) as folder:
        with copied(sources, paths) as same:
            found = sorted(path.name for path in same.iterdir())
        kept = folder.is_dir()

    assert (folder, found, kept) == (same, ["dags.py", "more.py"], True)
    assert left(paths) == []


def test_a_killed_run_s_is_removed_by_the_next_one(paths: StatePaths) -> None:
    """Whatever its sandbox was called; one in use stays."""
    other = StatePaths(project=paths.project, name="pytest-2")
    with copied((paths.project / "dags",), other):
        killed = paths.root.with_name("pytest-0.cell-dags")
        killed.mkdir()
        killed.with_name(".pytest-0.cell-dags").write_text("")

        with copied((paths.project / "dags",), paths):
            found = left(paths)

    assert found == [".pytest-1.cell-dags", ".pytest-2.cell-dags", "pytest-1.cell-dags", "pytest-2.cell-dags"]
