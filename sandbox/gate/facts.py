"""What the gate compares a report with: the tree as it is now, the files beside the report, the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sandbox.report import source
from sandbox.report.integrity import of_file
from sandbox.report.model import Report, Source


@dataclass(frozen=True, kw_only=True)
class Facts:
    """`inputs` are the digests of the artefacts and locks now, `files` those of the report's files (None: gone)."""

    source: Source
    inputs: Mapping[str, str]
    files: Mapping[str, str | None]
    now: datetime
    key: str


def gather(report: Report, folder: Path, project: Path, artefacts: Mapping[str, Path], *, key: str) -> Facts:
    """The facts of this moment."""
    paths = [file.path for cell in report.cells for file in cell.files]
    return Facts(
        source=source.look(project),
        inputs=source.digests(artefacts),
        files={path: of_file(folder / path) if _inside(folder, path) else None for path in paths},
        now=datetime.now(UTC),
        key=key,
    )


def _inside(folder: Path, path: str) -> bool:
    """Whether a path of the report is a file in its folder: a report is read, not believed."""
    file = (folder / path).resolve()
    return file.is_relative_to(folder.resolve()) and file.is_file()
