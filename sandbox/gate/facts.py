"""What the gate compares a report with: the tree as it is now, the files beside the report, the clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sandbox.report import source
from sandbox.report.integrity import is_inside, of_file
from sandbox.report.model import Report, Source


@dataclass(frozen=True, kw_only=True)
class Facts:
    """`inputs` are the digests of the artefacts and locks now, `files` those of the report's files (None: gone)."""

    source: Source
    inputs: Mapping[str, str]
    files: Mapping[str, str | None]
    now: datetime
    key: str


def gather(
    report: Report,
    folder: Path,
    project: Path,
    *,
    artefacts: Mapping[str, Path],
    tested: Iterable[Path],
    key: str,
) -> Facts:
    """The facts of this moment; `tested` are the files and folders that take part in the tests."""
    paths = [file.path for cell in report.cells for file in cell.files]
    return Facts(
        source=source.look(project, tested),
        inputs=source.digests(artefacts),
        files={path: of_file(folder / path) if is_inside(folder, path) else None for path in paths},
        now=datetime.now(UTC),
        key=key,
    )
