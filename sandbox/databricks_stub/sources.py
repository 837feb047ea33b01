"""Where the source of a notebook lies: imported into the workspace, in the bundle, or in the project.

Looked up at the moment a task starts, so that an edited notebook is what the next job_run executes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sandbox.databricks_stub.bundle import BundleWatcher
from sandbox.databricks_stub.store.objects import ObjectStore, normalised

NOTEBOOK_SUFFIXES = (".py", ".ipynb", ".sql")
IMPORT_SUFFIXES = {"PYTHON": ".py", "SQL": ".sql"}


class SourceNotFound(Exception):
    """No notebook at that path; the message says where it was looked for."""


@dataclass(frozen=True, kw_only=True)
class SourceFinder:
    """Resolves workspace paths to files of this machine."""

    objects: ObjectStore
    watcher: BundleWatcher
    project_root: Path

    def notebook(self, workspace_path: str, scratch: Path) -> Path:
        """The file of a notebook; an imported one is written into `scratch` first. Raises SourceNotFound."""
        imported = self.objects.find(workspace_path) if workspace_path.startswith("/") else None
        if imported is not None and imported.object_type == "NOTEBOOK":
            suffix = ".ipynb" if imported.format == "JUPYTER" else IMPORT_SUFFIXES.get(imported.language or "", ".py")
            scratch.mkdir(parents=True, exist_ok=True)
            copy = scratch / f"{PurePosixPath(imported.path).name}{suffix}"
            copy.write_bytes(self.objects.content(workspace_path))
            return copy
        tried: list[str] = []
        for candidate in self._candidates(workspace_path):
            found = _with_suffix(candidate)
            if len(found) > 1:
                names = ", ".join(str(path) for path in found)
                raise SourceNotFound(f"Notebook {workspace_path} is ambiguous: {names} exist; remove one.")
            if found:
                return found[0]
            tried.append(f"{candidate}[{'|'.join(NOTEBOOK_SUFFIXES)}]")
        raise SourceNotFound(
            f"Notebook {workspace_path} does not exist: neither imported nor at {', '.join(tried) or 'any local path'}"
        )

    def _candidates(self, workspace_path: str) -> Iterator[Path]:
        bundle = self.watcher.current().bundle
        if bundle is not None and workspace_path.startswith(bundle.file_path + "/"):
            yield from _inside(bundle.root, workspace_path.removeprefix(bundle.file_path + "/"))
            return
        if not workspace_path.startswith("/"):
            yield from _inside(self.project_root, workspace_path)
            return
        parts = normalised(workspace_path).strip("/").split("/")
        # The folder of a user, of all users or of a repository stands for the project.
        skipped = {"Users": 2, "Repos": 3, "Shared": 1}.get(parts[0], 0)
        yield from _inside(self.project_root, "/".join(parts[skipped:]))


def _inside(root: Path, relative: str) -> Iterator[Path]:
    root = root.resolve()
    path = (root / relative).resolve()
    if relative and path.is_relative_to(root):
        yield path


def _with_suffix(path: Path) -> list[Path]:
    if path.suffix in NOTEBOOK_SUFFIXES and path.is_file():
        return [path]
    named = [path.with_name(path.name + suffix) for suffix in NOTEBOOK_SUFFIXES]
    return [candidate for candidate in named if candidate.is_file()]
