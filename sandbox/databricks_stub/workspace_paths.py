"""Where paths of the workspace lie on this machine: in a cloned repository, in the bundle's folder, or in the project.

Standard library only: the workspace, the kernels and `sandbox validate` must agree.
"""

from __future__ import annotations

import posixpath
from pathlib import Path

STANDING_FOR_PROJECT = {"Users": 2, "Repos": 3, "Shared": 1}
"""How many parts of a path are the folder of a user, of a repository or of all users."""
NOTEBOOK_SUFFIXES = (".py", ".ipynb", ".sql")
"""Of notebooks that can be executed here."""


def local_path(
    path: str, project: Path, *, bundle: Path | None = None, file_path: str = "", repos: Path | None = None
) -> Path | None:
    """The path on this machine, with as much of a suffix as was given; None for one that leads out of its folder.

    `bundle` is the folder whose files a deployment would put below `file_path`; `repos` has what was cloned into
    /Repos, a folder for each folder there. Relative paths begin at the project.
    """
    if bundle is not None and file_path and path.startswith(file_path + "/"):
        return _inside(bundle, path.removeprefix(file_path + "/"))
    if not path.startswith("/"):
        return _inside(project, path)
    parts = posixpath.normpath(path).strip("/").split("/")
    if parts[0] == "Workspace":
        del parts[0]
    if repos is not None and parts[:1] == ["Repos"] and len(parts) > STANDING_FOR_PROJECT["Repos"]:
        cloned = repos / parts[1] / parts[2]
        if cloned.is_dir():
            return _inside(cloned, "/".join(parts[3:]))
    skipped = STANDING_FOR_PROJECT.get(parts[0], 0) if parts else 0
    return _inside(project, "/".join(parts[skipped:]))


def notebook_files(path: Path) -> tuple[Path, ...]:
    """The files that a notebook's path, with or without its suffix, can mean; several contradict each other."""
    if path.suffix in NOTEBOOK_SUFFIXES and path.is_file():
        return (path,)
    named = (Path(f"{path}{suffix}") for suffix in NOTEBOOK_SUFFIXES)
    return tuple(candidate for candidate in named if candidate.is_file())


def notebook_beside(path: str, folder: Path, project: Path, *, repos: Path | None = None) -> Path | None:
    """The notebook that another one in `folder` names, with or without its suffix; absolute: in the workspace."""
    found = local_path(path, project, repos=repos) if path.startswith("/") else None
    # code that asks for its working folder has absolute paths of this machine
    for place in (found, folder / path):
        for candidate in notebook_files(place) if place is not None else ():
            return candidate.resolve()
    return None


def repository_of(file: Path, repos: Path) -> Path | None:
    """The root of the cloned repository that a file lies in; None for other files."""
    if not file.is_relative_to(repos):
        return None
    parts = file.relative_to(repos).parts
    return repos / parts[0] / parts[1] if len(parts) > 2 else None  # folder, repository, file


def _inside(root: Path, relative: str) -> Path | None:
    root = root.resolve()
    path = (root / relative).resolve()
    return path if relative and path.is_relative_to(root) else None
