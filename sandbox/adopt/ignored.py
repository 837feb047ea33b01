"""Which files Airflow leaves out because of an `.airflowignore`, read in its default syntax: that of .gitignore."""

from __future__ import annotations

from pathlib import Path

import pathspec

from sandbox.adopt.files import text_of

NAME = ".airflowignore"


def is_ignored(path: Path, root: Path) -> bool:
    """Whether a file below `root` is left out; the last line that speaks of it wins, as that of the deepest file."""
    ignored = False
    folders = [folder for folder in path.parents if folder == root or folder.is_relative_to(root)]
    for folder in reversed(folders):
        lines = text_of(folder / NAME).splitlines() if (folder / NAME).is_file() else ()
        said = pathspec.GitIgnoreSpec.from_lines(lines).check_file(path.relative_to(folder)).include
        ignored = ignored if said is None else said
    return ignored
