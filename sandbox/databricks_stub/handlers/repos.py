"""Git folders: repositories that clients clone into /Repos."""

from __future__ import annotations

from sandbox.databricks_stub.context import Call
from sandbox.databricks_stub.errors import invalid_parameter
from sandbox.databricks_stub.git_folders import GitFolder
from sandbox.databricks_stub.schemas import Json


def create(call: Call) -> Json:
    """Clone a repository."""
    if call.mapping("sparse_checkout"):
        raise invalid_parameter("sparse_checkout is not supported by this fake workspace: whole repositories only.")
    made = call.services.git_folders.create(
        url=call.required_text("url"), provider=call.required_text("provider"), path=call.text("path")
    )
    return _json(made)


def list_repos(call: Call) -> Json:
    """All repositories, or those below a path."""
    found = call.services.git_folders.below(call.text("path_prefix"))
    return {"repos": [_json(item) for item in found]} if found else {}


def get(call: Call) -> Json:
    """One repository."""
    return _json(call.services.git_folders.find(int(call.path_values["repo_id"])))


def update(call: Call) -> Json:
    """Take a branch or a tag."""
    changed = call.services.git_folders.update(
        int(call.path_values["repo_id"]), branch=call.text("branch"), tag=call.text("tag")
    )
    return _json(changed)


def delete(call: Call) -> Json:
    """Remove a repository."""
    call.services.git_folders.delete(int(call.path_values["repo_id"]))
    return {}


def _json(item: GitFolder) -> Json:
    answer: Json = {
        "id": item.repo_id,
        "path": item.path,
        "url": item.url,
        "provider": item.provider,
        "head_commit_id": item.head_commit_id,
    }
    return answer | ({"branch": item.branch} if item.branch else {})
