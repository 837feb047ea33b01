"""Git folders: real clones of local repositories, through the API."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from sandbox.databricks_stub import git
from tests.unit.databricks_stub.fakes import NOTEBOOK, Harness

IDENTITY = ("-c", "user.name=me", "-c", "user.email=me@example.com", "-c", "commit.gpgsign=false")


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A repository with a notebook, a tag of its first commit, and a branch."""
    folder = tmp_path / "origin"
    folder.mkdir()
    run(folder, "init", "-q", "-b", "main")
    commit(folder, "first", NOTEBOOK)
    run(folder, "tag", "v1")
    commit(folder, "second", NOTEBOOK)
    run(folder, "branch", "feature/x")
    return folder


def run(folder: Path, *arguments: str) -> str:
    """git in a folder; what it says."""
    command = ["git", *IDENTITY, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, name: str, text: str) -> str:
    """Add a notebook; the commit."""
    (folder / f"{name}.py").write_text(text)
    run(folder, "add", ".")
    run(folder, "commit", "-q", "-m", name)
    return run(folder, "rev-parse", "HEAD")


def cloned(harness: Harness, origin: Path, path: str = "/Repos/me/it") -> dict[str, Any]:
    """A clone in the workspace."""
    found: dict[str, Any] = harness.post("/2.0/repos", url=origin.as_uri(), provider="gitHub", path=path)
    return found


def refused(harness: Harness, method: str, place: str, /, **body: Any) -> tuple[str, str]:
    """The error code and the message of a request that fails."""
    answer = harness.client.request(method, f"/api/2.0/repos{place}", json=body)
    assert answer.status_code in (400, 404), answer.text
    return answer.json()["error_code"], answer.json()["message"]


def notebook_of(harness: Harness, path: str) -> Path:
    """The file that a task executes for a notebook's path."""
    harness.ended(harness.submit({"task_key": "a", "notebook_task": {"notebook_path": path}}))
    return harness.runner.tasks[-1].notebook_path


def test_a_repository_is_cloned_listed_and_deleted(harness: Harness, origin: Path) -> None:
    """Its notebooks are those of tasks; afterwards the path means the project again."""
    made = cloned(harness, origin)
    status = harness.get("/2.0/workspace/get-status", path="/Workspace/Repos/me/it")
    listed = harness.get("/2.0/repos", path_prefix="/Repos/me")["repos"]
    asked = harness.get(f"/2.0/repos/{made['id']}")
    found = notebook_of(harness, "/Workspace/Repos/me/it/second")
    answer = harness.client.delete(f"/api/2.0/repos/{made['id']}")

    assert (made["path"], made["branch"], made["url"]) == ("/Repos/me/it", "main", origin.as_uri())
    assert made["head_commit_id"] == run(origin, "rev-parse", "main")
    assert (status["object_type"], status["object_id"]) == ("REPO", made["id"])
    assert listed == [made] == [asked]
    assert found == harness.settings.repos_dir / "me" / "it" / "second.py"
    assert (answer.json(), found.exists()) == ({}, False)
    assert notebook_of(harness, "/Repos/me/it/notebooks/some") == harness.settings.project_root / "notebooks/some.py"


def test_branches_and_tags_are_taken(harness: Harness, origin: Path) -> None:
    """As the repository has them now, whatever was changed in the folder; the provider calls repos//<id>."""
    made = cloned(harness, origin)
    folder = harness.settings.repos_dir / "me" / "it"
    (folder / "first.py").write_text("changed here")
    run(origin, "checkout", "-q", "feature/x")
    newest = commit(origin, "third", NOTEBOOK)

    branch = harness.client.patch(f"/api/2.0/repos//{made['id']}", json={"branch": "feature/x"}).json()
    there = (folder / "third.py").exists(), (folder / "first.py").read_text()
    tag = harness.client.patch(f"/api/2.0/repos/{made['id']}", json={"tag": "v1"}).json()

    assert (branch["branch"], branch["head_commit_id"], there) == ("feature/x", newest, (True, NOTEBOOK))
    assert tag["head_commit_id"] == run(origin, "rev-parse", "v1")
    assert ("branch" in tag, (folder / "second.py").exists()) == (False, False)


def test_without_a_path_it_lies_in_the_user_s_folder(harness: Harness, origin: Path) -> None:
    """Under its own name."""
    made = harness.post("/2.0/repos", url=str(origin), provider="gitLab")

    assert made["path"] == "/Repos/sandbox@example.com/origin"


def test_what_cannot_be_cloned(harness: Harness, origin: Path) -> None:
    """Each with the API's code, and git's own words where git fails; nothing is left behind."""
    cloned(harness, origin)
    given = {"provider": "gitHub", "path": "/Repos/me/other"}

    again = refused(harness, "POST", "", url=origin.as_uri(), **given | {"path": "/Repos/me/it"})
    missing = refused(harness, "POST", "", url=f"{origin.as_uri()}-not", **given)
    nobody = refused(harness, "POST", "", url=origin.as_uri(), **given | {"provider": "mine"})
    outside = refused(harness, "POST", "", url=origin.as_uri(), **given | {"path": "/Repos/me/../../Users/me/x"})
    sparse = refused(harness, "POST", "", url=origin.as_uri(), **given, sparse_checkout={"patterns": ["a"]})

    assert again == ("RESOURCE_ALREADY_EXISTS", "Repo with path /Repos/me/it already exists.")
    assert missing[0] == "INVALID_PARAMETER_VALUE"
    assert "does not exist" in missing[1] or "not appear to be a git repository" in missing[1]
    assert {nobody[0], outside[0], sparse[0]} == {"INVALID_PARAMETER_VALUE"}
    assert [item.name for item in harness.settings.repos_dir.iterdir()] == ["me"]
    assert [item["path"] for item in harness.get("/2.0/repos")["repos"]] == ["/Repos/me/it"]


def test_what_cannot_be_updated(harness: Harness, origin: Path) -> None:
    """No such repository, branch or tag; both or none."""
    made = cloned(harness, origin)
    place = f"/{made['id']}"

    assert refused(harness, "PATCH", "/1", branch="main")[0] == "RESOURCE_DOES_NOT_EXIST"
    assert refused(harness, "DELETE", "/1")[0] == "RESOURCE_DOES_NOT_EXIST"
    assert refused(harness, "PATCH", place, branch="none") == (
        "RESOURCE_DOES_NOT_EXIST",
        f"Branch none does not exist in {origin.as_uri()}.",
    )
    assert refused(harness, "PATCH", place, tag="none")[0] == "RESOURCE_DOES_NOT_EXIST"
    for body in ({}, {"branch": "main", "tag": "v1"}, {"branch": "--orphan"}, {"tag": "v1:x"}, {"branch": "a b"}):
        assert refused(harness, "PATCH", place, **body)[0] == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c touch% /tmp/x",
        "ext::sh",
        "--upload-pack=touch x",
        "-u",
        "ftp://h/x",
        "relative/path",
        "ssh://-oProxyCommand=x/y",
        "-o@host:x",
        "https://user:secret@host/x",
        "https:///x",
        "https://h/x\ny",
        "https://[bad/x",
    ],
)
def test_urls_that_git_never_sees(url: str) -> None:
    """Options, transports that run programs, passwords."""
    assert git.url_complaint(url)


@pytest.mark.parametrize(
    "url",
    ["https://h/a/b.git", "http://h:1/x", "ssh://git@h/x", "git@h.example:a/b.git", "file:///a/b", "/a/b"],
)
def test_urls_that_git_gets(url: str) -> None:
    """As one writes them."""
    assert git.url_complaint(url) == ""


def test_a_repository_s_hooks_and_the_caller_s_git_are_not_used(
    harness: Harness, origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables that point git elsewhere are not passed on."""
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "elsewhere"))

    made = harness.post("/2.0/repos", url=origin.as_uri(), provider="gitHub", path="/Repos/me/it")
    hook = harness.settings.repos_dir / "me" / "it" / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
    hook.chmod(0o755)
    harness.client.patch(f"/api/2.0/repos/{made['id']}", json={"tag": "v1"}).raise_for_status()

    assert not (tmp_path / "hooked").exists()


def test_what_is_no_longer_in_the_tree_leaves_the_disk(harness: Harness, origin: Path) -> None:
    """Also when it was deleted as an object of the workspace, or when a clone was interrupted."""
    cloned(harness, origin)
    (harness.settings.repos_dir / ".clone-x").mkdir()

    harness.post("/2.0/workspace/delete", path="/Repos/me", recursive=True)

    assert list(harness.settings.repos_dir.rglob("*.py")) == []
    assert not (harness.settings.repos_dir / ".clone-x").exists()


def test_a_symbolic_link_does_not_lead_out_of_it(harness: Harness, origin: Path, tmp_path: Path) -> None:
    """A notebook elsewhere on this machine is none of the repository."""
    (tmp_path / "outside.py").write_text(NOTEBOOK)
    (origin / "link").symlink_to(tmp_path)
    run(origin, "add", ".")
    run(origin, "commit", "-q", "-m", "link")
    cloned(harness, origin)

    ended = harness.ended(
        harness.submit({"task_key": "a", "notebook_task": {"notebook_path": "/Repos/me/it/link/outside"}})
    )

    assert ended["state"]["result_state"] == "FAILED"
