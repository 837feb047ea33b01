"""Paths of the workspace, and the files that they stand for."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.databricks_stub.workspace_paths import local_path, notebook_beside, notebook_files, repository_of


@pytest.mark.parametrize(
    ("path", "local"),
    [
        ("/Workspace/Repos/me/repo/notebooks/a", "notebooks/a"),
        ("/Users/me/../me/notebooks/a.py", "notebooks/a.py"),
        ("/Workspace", None),
        ("/Users/me", None),
        ("notebooks/a", "notebooks/a"),
        ("../outside", None),
        ("/deployed/files/a", "deploy/a"),
        ("/deployed/filesystem/a", "deployed/filesystem/a"),
    ],
)
def test_a_path_lies_in_the_project_or_in_the_bundle(tmp_path: Path, path: str, local: str | None) -> None:
    """Or nowhere, where it leads out of them."""
    found = local_path(path, tmp_path, bundle=tmp_path / "deploy", file_path="/deployed/files")

    assert found == (tmp_path / local if local else None)


def test_what_was_cloned_is_found_there(tmp_path: Path) -> None:
    """Where no repository was cloned, the path means the project, as before."""
    repos = tmp_path / "repos"
    cloned = repos / "me" / "it" / "notebooks"
    cloned.mkdir(parents=True)
    (cloned / "a.py").write_text("")

    found = [
        local_path(path, tmp_path / "project", repos=repos)
        for path in ("/Repos/me/it/notebooks/a", "/Workspace/Repos/me/other/notebooks/a", "/Repos/me/it/../../../x")
    ]

    assert found == [cloned / "a", tmp_path / "project/notebooks/a", tmp_path / "project/x"]
    assert notebook_beside("/Repos/me/it/notebooks/a", tmp_path, tmp_path, repos=repos) == cloned / "a.py"
    assert repository_of(cloned / "a.py", repos) == repos / "me" / "it"
    assert repository_of(tmp_path / "a.py", repos) is None


def test_a_notebook_names_others_by_both_kinds_of_path(tmp_path: Path) -> None:
    """Relative to itself, as the workspace has it, or as this machine does."""
    here = tmp_path / "notebooks" / "deep"
    here.mkdir(parents=True)
    (here.parent / "a.py").write_text("")

    found = {
        notebook_beside(path, here, tmp_path)
        for path in ("../a", "/Workspace/Repos/me/repo/notebooks/a", str(here.parent / "a"))
    }

    assert found == {here.parent / "a.py"}
    assert notebook_beside("/Shared/a", here, tmp_path) is None


def test_a_path_with_or_without_suffix_names_notebooks_only(tmp_path: Path) -> None:
    """What is no notebook by its name is none for a task, for `%run` and for `sandbox validate`."""
    for name in ("a.py", "a.sql", "b.ipynb", "c", "d.txt", "e", "e.py"):
        (tmp_path / name).write_text("")

    found = {name: [path.name for path in notebook_files(tmp_path / name)] for name in "abcde"}

    assert found == {"a": ["a.py", "a.sql"], "b": ["b.ipynb"], "c": [], "d": [], "e": ["e.py"]}
    assert notebook_files(tmp_path / "a.sql") == (tmp_path / "a.sql",)
    assert notebook_files(tmp_path / "d.txt") == ()
    assert notebook_beside("d.txt", tmp_path, tmp_path) is None
    assert notebook_beside("e", tmp_path, tmp_path) == tmp_path / "e.py"
    assert notebook_files(Path("/")) == ()
