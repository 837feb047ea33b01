"""Which files Airflow leaves out because of an `.airflowignore`, read in its default syntax: that of .gitignore."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sandbox.adopt.files import text_of

NAME = ".airflowignore"


def is_ignored(path: Path, root: Path) -> bool:
    """Whether a file below `root` is left out; the last line that speaks of it wins, as that of the deepest file."""
    ignored = False
    folders = [folder for folder in path.parents if folder == root or folder.is_relative_to(root)]
    for folder in reversed(folders):
        for pattern, leaves_out in _lines(folder / NAME):
            if pattern.match(path.relative_to(folder).as_posix()):
                ignored = leaves_out
    return ignored


def _lines(file: Path) -> Iterator[tuple[re.Pattern[str], bool]]:
    for line in text_of(file).splitlines() if file.is_file() else ():
        text = line.strip()
        if text and not text.startswith("#"):
            yield _pattern(text.removeprefix("!")), not text.startswith("!")


def _pattern(glob: str) -> re.Pattern[str]:
    """What a line matches: a file, or a folder with all that is in it."""
    steps = glob.strip("/").split("/")
    anchored = "/" in glob.rstrip("/")
    parts = ["" if anchored else "(?:.*/)?"]
    for step in steps:
        if step == "**":
            parts.append("(?:.*/)?")
        else:
            parts.append(re.escape(step).replace(r"\*", "[^/]*").replace(r"\?", "[^/]") + "/")
    if steps[-1] == "**":
        return re.compile("".join(parts[:-1]) + ".*$")
    inside = "/.*" if glob.endswith("/") else "(?:/.*)?"
    return re.compile("".join(parts).removesuffix("/") + inside + "$")
