"""What a cell leaves in the report's folder: its records, and the logs and executed notebooks of one that failed."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from sandbox.backends import CommandLog, LogSource
from sandbox.report.integrity import of_file
from sandbox.report.model import File

LARGEST_LOG_BYTES = 1024**2
LARGEST_NOTEBOOK_BYTES = 4 * 1024**2
MOST_FILES = 200
RECORDS = ("events.jsonl", "junit.xml", "pytest.log")
PRINTED_LINES = 2000
PRINT_SECONDS = 30.0
REFUSED = str.maketrans(dict.fromkeys('":<>|*?\r\n', "_"))
"""One of these in one path, and GitHub's upload-artifact refuses all files; Airflow's run ids have colons."""


def records(folder: Path) -> Iterator[File]:
    """What every cell has; `folder` is the cell's, beside the report."""
    for name in RECORDS:
        if (folder / name).is_file():
            yield _described(folder / name, folder, kind="record", title=name)


def collect(state: Path, folder: Path) -> Iterator[File]:
    """Copy the logs and the executed notebooks of the sandbox whose state folder this is."""
    found = [(path, "log", LARGEST_LOG_BYTES) for path in _newest_first(state, "logs/*.log", "airflow/logs/**/*.log")]
    found += [(path, "notebook", LARGEST_NOTEBOOK_BYTES) for path in _newest_first(state, "databricks/runs/**/*.ipynb")]
    for path, kind, most in found[:MOST_FILES]:
        title = path.relative_to(state).as_posix()
        target = _place(folder, title)
        if path.stat().st_size <= most:
            shutil.copyfile(path, target)
        elif kind == "log":
            _copy_end(path, target, most)
        else:
            continue  # the beginning or the end of a notebook is no notebook
        yield _described(target, folder, kind=kind, title=title)


def printed(logs: Iterable[LogSource], folder: Path) -> Iterator[File]:
    """What the commands print by which a backend shows its services' logs; those that are files were copied."""
    for log in logs:
        if not isinstance(log, CommandLog):
            continue
        title = f"logs/{log.title}.log"
        target = _place(folder, title)
        with target.open("wb") as output, contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                log.command(PRINTED_LINES, follow=False),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=os.environ | dict(log.env),
                timeout=PRINT_SECONDS,
                check=False,
            )
        if target.stat().st_size:
            yield _described(target, folder, kind="log", title=title)


def _place(folder: Path, title: str) -> Path:
    """Where a file of this name is kept, in a folder that is there; no two get the same."""
    place = folder / "evidence" / title.translate(REFUSED)
    place.parent.mkdir(parents=True, exist_ok=True)
    while place.exists():
        place = place.with_name(f"_{place.name}")
    return place


def _newest_first(state: Path, *patterns: str) -> list[Path]:
    found = [path for pattern in patterns for path in state.glob(pattern) if path.is_file() and path.stat().st_size]
    return sorted(found, key=lambda path: -path.stat().st_mtime)


def _copy_end(source: Path, target: Path, size: int) -> None:
    with source.open("rb") as opened:
        opened.seek(-size, 2)
        target.write_bytes(b"[the beginning was left out]\n" + opened.read())


def _described(path: Path, folder: Path, *, kind: str, title: str) -> File:
    return File(
        path=path.relative_to(folder.parent).as_posix(),
        sha256=of_file(path),
        size_bytes=path.stat().st_size,
        kind=kind,
        title=title,
    )
