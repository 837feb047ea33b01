"""Which files of a repository are worth reading: what is hidden, generated, installed or large is not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages", "venv", "env", "build", "dist", "target", "logs"})
LARGEST_BYTES = 2_000_000


def files(root: Path) -> Iterator[Path]:
    """Every file below `root`, sorted, without hidden folders, environments, caches and large files."""
    for folder, names, file_names in os.walk(root):
        if "pyvenv.cfg" in file_names:
            names.clear()
            continue
        names[:] = sorted(name for name in names if not name.startswith(".") and name not in SKIPPED)
        for name in sorted(file_names):
            path = Path(folder) / name
            if path.is_file() and path.stat().st_size <= LARGEST_BYTES:
                yield path


def text_of(path: Path) -> str:
    """A file's text; what is no UTF-8 in it is replaced."""
    return path.read_text("utf-8-sig", errors="replace")


def is_test(path: Path, root: Path) -> bool:
    """Whether a file is there to test others."""
    return bool({"tests", "test"} & {*path.relative_to(root).parts[:-1]}) or path.name.startswith(("test_", "conftest"))
