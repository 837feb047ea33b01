"""The revision that was tested, and whether the tree was it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.report.model import Source
from sandbox.report.source import both, digests, look
from tests.git import git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit."""
    (tmp_path / "a.txt").write_text("1")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "one")
    return tmp_path


def test_a_clean_tree(repository: Path) -> None:
    """The revision, the branch, no changes."""
    source = look(repository)

    assert len(source.revision) == 40
    assert (source.branch, source.clean, source.changes) == ("main", True, ())


def test_changes_are_named(repository: Path) -> None:
    """Edited files and new ones."""
    (repository / "a.txt").write_text("2")
    (repository / "b.txt").write_text("new")

    source = look(repository)

    assert (source.clean, source.changes) == (False, ("a.txt", "b.txt"))


def test_byte_code_is_no_change(repository: Path) -> None:
    """Importing the DAGs leaves it, and not every repository ignores it; what is added to the index counts."""
    (repository / "dags" / "__pycache__").mkdir(parents=True)
    (repository / "dags" / "__pycache__" / "a.cpython-311.pyc").write_text("1")
    assert look(repository).clean

    git(repository, "add", "-A")

    assert look(repository).changes == ("dags/__pycache__/a.cpython-311.pyc",)


def test_no_repository(tmp_path: Path) -> None:
    """Then there is no revision, and nothing is clean."""
    assert look(tmp_path) == Source()


def test_what_moved_meanwhile_is_not_clean() -> None:
    """A commit or an edit while the cells ran."""
    before = Source(revision="a", clean=True)

    assert both(before, before) == before
    assert both(before, Source(revision="b", clean=True)).changes == ("HEAD moved from a to b",)
    assert both(before, Source(revision="a", changes=("x.py",))).clean is False


def test_digests_are_of_what_is_there(tmp_path: Path) -> None:
    """Files, folders and the committed locks."""
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "a.py").write_text("1")
    found = digests({"dags": tmp_path / "dags", "chart": tmp_path / "chart"})

    assert "dags" in found
    assert "chart" not in found
    assert "lock:airflow-3.0.2-py3.11" in found


@pytest.mark.parametrize("flag", ["--skip-worktree", "--assume-unchanged"])
def test_what_is_hidden_from_git_status(repository: Path, flag: str) -> None:
    """Is not known to be what the commit has."""
    git(repository, "update-index", flag, "a.txt")

    assert look(repository).changes == ("a.txt (hidden from git status)",)


def test_a_damaged_index(repository: Path) -> None:
    """What Git cannot compare is not clean."""
    (repository / ".git" / "index").write_bytes(b"damaged" * 20)

    source = look(repository)

    assert not source.clean
    assert source.changes[0].startswith("git status failed: ")


def test_what_git_ignores_in_what_is_tested(repository: Path) -> None:
    """A helper that no commit has; what tools keep for themselves does not count, nor what lies elsewhere."""
    (repository / ".git" / "info" / "exclude").write_text("helper.py\n.cache/\n__pycache__/\n")
    for name in ("dags/helper.py", "dags/.cache/x", "dags/__pycache__/x.pyc", "other/helper.py"):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text("1")

    assert look(repository).clean
    assert look(repository, [repository / "dags", repository / "gone"]).changes == ("dags/helper.py (ignored by Git)",)


def test_links_to_places_outside(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No commit has what is there; its digest is taken all the same."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "lib.py").write_text("1")
    dags = repository / "dags"
    dags.mkdir()
    (dags / "shared").symlink_to(elsewhere)
    (dags / "loop").symlink_to(dags)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "two")
    before = digests({"dags": dags})["dags"]
    (elsewhere / "lib.py").write_text("2")

    assert look(repository, [dags]).changes == ("dags/shared (points outside of the project)",)
    assert digests({"dags": dags})["dags"] != before
