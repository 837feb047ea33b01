"""GitFolders: repositories cloned into the workspace, each a row of the tree and a folder on this machine."""

from __future__ import annotations

import json
import re
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sandbox.databricks_stub import git
from sandbox.databricks_stub.errors import ApiError, already_exists, invalid_parameter, not_found
from sandbox.databricks_stub.store.objects import ObjectStore, WorkspaceObject, normalised
from sandbox.databricks_stub.user import USER

REPO = "REPO"
PROVIDERS = (
    *("gitHub", "bitbucketCloud", "gitLab", "azureDevOpsServices", "gitHubEnterprise", "bitbucketServer"),
    *("gitLabEnterpriseEdition", "awsCodeCommit"),
)
# a name that begins with a dot is ours: a clone that is not whole yet
PLACE = re.compile(r"/Repos/(?P<folder>[^/.][^/]*)/(?P<name>[^/.][^/]*)")


@dataclass(frozen=True, kw_only=True)
class GitFolder:
    """One repository; `branch` is "" where a tag is checked out."""

    repo_id: int
    path: str
    url: str
    provider: str
    branch: str
    head_commit_id: str


class GitFolders:
    """Safe to use from several threads; one at a time clones, updates or deletes."""

    def __init__(self, objects: ObjectStore, root: Path) -> None:
        self._objects = objects
        self._root = root
        self._lock = threading.Lock()

    def start(self) -> None:
        """Remove what a clone or a deletion that was interrupted has left."""
        self.sweep()

    def create(self, *, url: str, provider: str, path: str) -> GitFolder:
        """Clone a repository; without a path below the user's folder. Raises ApiError."""
        if complaint := git.url_complaint(url):
            raise invalid_parameter(f"The url {url!r} cannot be cloned: {complaint}.")
        if provider not in PROVIDERS:
            raise invalid_parameter(f"provider must be one of {', '.join(PROVIDERS)}, not {provider!r}")
        path = normalised(path or f"/Repos/{USER}/{PurePosixPath(url.rpartition(':')[2]).name.removesuffix('.git')}")
        if PLACE.fullmatch(path) is None:
            raise invalid_parameter(f"The path of a repository is /Repos/<folder>/<name>, not {path}.")
        with self._lock:
            if self._objects.find(path) is not None:
                raise already_exists(f"Repo with path {path} already exists.")
            draft = self._root / f".clone-{path.rpartition('/')[2]}"
            shutil.rmtree(draft, ignore_errors=True)
            self._root.mkdir(parents=True, exist_ok=True)
            try:
                git.clone(url, draft)
            except git.GitError as error:
                shutil.rmtree(draft, ignore_errors=True)
                raise _failed("clone", url, error) from error
            place = self._place(path)
            shutil.rmtree(place, ignore_errors=True)
            place.parent.mkdir(parents=True, exist_ok=True)
            draft.rename(place)
            return self._keep(path, url, provider)

    def find(self, repo_id: int) -> GitFolder:
        """The repository of that id; raises ApiError."""
        row = self._objects.of_id(repo_id)
        if row is None or row.object_type != REPO:
            raise not_found(f"Repo could not be found: {repo_id}")
        return self._folder(row)

    def below(self, prefix: str) -> list[GitFolder]:
        """The repositories whose paths begin so, by path."""
        prefix = normalised(prefix) if prefix else "/"
        return [self._folder(row) for row in self._objects.of_type(REPO) if row.path.startswith(prefix)]

    def update(self, repo_id: int, *, branch: str, tag: str) -> GitFolder:
        """Fetch, and take the newest of a branch, or a tag; what was changed in the folder is lost. Raises ApiError."""
        if bool(branch) == bool(tag):
            raise invalid_parameter("Either branch or tag must be given, and not both.")
        if complaint := git.name_complaint(branch or tag):
            raise invalid_parameter(f"{complaint}.")
        with self._lock:
            found = self.find(repo_id)
            place = self._place(found.path)
            try:
                git.fetch(place)
                known = git.checkout_branch(place, branch) if branch else git.checkout_tag(place, tag)
            except git.GitError as error:
                raise _failed("update", found.url, error) from error
            if not known:
                kind = "Branch" if branch else "Tag"
                raise not_found(f"{kind} {branch or tag} does not exist in {found.url}.")
            return self._keep(found.path, found.url, found.provider)

    def delete(self, repo_id: int) -> None:
        """Remove a repository; raises ApiError."""
        self._objects.delete(self.find(repo_id).path, recursive=True)
        self.sweep()

    def sweep(self) -> None:
        """Remove the folders of repositories that are no longer in the tree, however they left it."""
        with self._lock:
            known = {self._place(row.path) for row in self._objects.of_type(REPO)}
            for folder in sorted(self._root.iterdir()) if self._root.is_dir() else []:
                if folder.name.startswith("."):
                    shutil.rmtree(folder, ignore_errors=True)
                    continue
                for place in sorted(folder.iterdir()):
                    if place not in known:
                        shutil.rmtree(place, ignore_errors=True)

    def _place(self, path: str) -> Path:
        match = PLACE.fullmatch(path)
        assert match is not None, path
        return self._root / match["folder"] / match["name"]

    def _keep(self, path: str, url: str, provider: str) -> GitFolder:
        branch, commit = git.head(self._place(path))
        content = json.dumps({"url": url, "provider": provider, "branch": branch, "head_commit_id": commit})
        return self._folder(
            self._objects.put(path, REPO, content.encode(), language=None, source_format=None, overwrite=True)
        )

    def _folder(self, row: WorkspaceObject) -> GitFolder:
        kept = json.loads(self._objects.content(row.path))
        return GitFolder(repo_id=row.object_id, path=row.path, **kept)


def _failed(what: str, url: str, error: git.GitError) -> ApiError:
    # Assumed: Databricks has an error code for each kind of failure; clients only show the message
    return ApiError(400, "INVALID_PARAMETER_VALUE", f"Failed to {what} {url}: {error}")
