"""Where the source of a notebook lies: imported into the workspace, in the bundle, or in the project.

Looked up at the moment a task starts, so that an edited notebook is what the next job_run executes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sandbox.databricks_stub.bundle import BundleWatcher
from sandbox.databricks_stub.store.objects import ObjectStore
from sandbox.databricks_stub.workspace_paths import NOTEBOOK_SUFFIXES, local_path, notebook_files


class SourceNotFound(Exception):
    """No notebook at that path; the message says where it was looked for."""


@dataclass(frozen=True, kw_only=True)
class SourceFinder:
    """Resolves workspace paths to files of this machine."""

    objects: ObjectStore
    watcher: BundleWatcher
    project_root: Path
    repos: Path

    def notebook(self, workspace_path: str, scratch: Path) -> Path:
        """The file of a notebook; an imported one is written into `scratch` first. Raises SourceNotFound."""
        imported = self.objects.find(workspace_path) if workspace_path.startswith("/") else None
        if imported is not None and imported.object_type == "NOTEBOOK":
            scratch.mkdir(parents=True, exist_ok=True)
            copy = scratch / f"{PurePosixPath(imported.path).name}{imported.suffix}"
            copy.write_bytes(self.objects.content(workspace_path))
            return copy
        bundle = self.watcher.current().bundle
        candidate = local_path(
            workspace_path,
            self.project_root,
            repos=self.repos,
            bundle=bundle.root if bundle else None,
            file_path=bundle.file_path if bundle else "",
        )
        found = notebook_files(candidate) if candidate else ()
        if len(found) > 1:
            names = ", ".join(str(path) for path in found)
            raise SourceNotFound(f"Notebook {workspace_path} is ambiguous: {names} exist; remove one.")
        if found:
            return found[0]
        tried = f"{candidate}[{'|'.join(NOTEBOOK_SUFFIXES)}]" if candidate else "any local path"
        raise SourceNotFound(f"Notebook {workspace_path} does not exist: neither imported nor at {tried}")
