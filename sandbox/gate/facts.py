"""What the gate compares a report with: the tree as it is now, the files beside the report, the clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sandbox.errors import PrerequisiteMissing
from sandbox.images.docker import inspect_image
from sandbox.report import source
from sandbox.report.integrity import is_inside, of_file
from sandbox.report.model import Report, Source


@dataclass(frozen=True, kw_only=True)
class Facts:
    """`inputs` are the digests of the artefacts and locks now, `files` those of the report's files (None: gone).

    `images` are the ids that this machine's Docker has for images of the report, by reference.
    """

    source: Source
    inputs: Mapping[str, str]
    files: Mapping[str, str | None]
    images: Mapping[str, str]
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
        images=_images(report),
        now=datetime.now(UTC),
        key=key,
    )


def _images(report: Report) -> dict[str, str]:
    """The report's images that are on this machine; without a Docker that answers, none is."""
    references = {image.partition("@")[0] for cell in report.cells for image in cell.images.values()}
    found = {}
    try:
        for reference in sorted(references):
            if (known := inspect_image(reference)) is not None:
                found[reference] = str(known["Id"])
    except PrerequisiteMissing:
        return {}
    return found
