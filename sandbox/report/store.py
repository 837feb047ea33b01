"""Where reports lie: `.sandbox/_matrix/runs/<time>/`, the newest last; old ones go."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from sandbox.errors import ConfigurationError, NothingSelected
from sandbox.report.model import SCHEMA, Report

FILE_NAME = "report.json"
RUNS_KEPT = 20


def runs_folder(project: Path) -> Path:
    """The folder of all runs; its name is none that a sandbox can have."""
    return project / ".sandbox" / "_matrix" / "runs"


def new_folder(project: Path) -> Path:
    """A new run's folder."""
    parent = runs_folder(project)
    parent.mkdir(parents=True, exist_ok=True)
    ignore = parent.parent.parent / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    stamp = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    for number in range(1, 1000):
        folder = parent / (stamp if number == 1 else f"{stamp}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue  # two runs in one second
        return folder
    raise FileExistsError(parent / stamp)


def write(report: Report, folder: Path) -> Path:
    """Write report.json into the run's folder."""
    file = folder / FILE_NAME
    new = file.with_suffix(".new")
    new.write_text(report.model_dump_json(by_alias=True, indent=1) + "\n", encoding="utf-8")
    new.replace(file)
    return file


def document(place: Path) -> Path:
    """The report that is meant by a run's folder, or by the file itself."""
    return place / FILE_NAME if place.is_dir() else place


def read(place: Path) -> Report:
    """Read a report: the file, or the one of a run's folder.

    Raises ConfigurationError when the file is no report of this schema.
    """
    file = document(place)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"there is no report {file}", why=str(error), next_command="sandbox report") from None
    try:
        schema = json.loads(content).get("schema")
        if schema != SCHEMA:
            raise ConfigurationError(
                f"{file} is a report of another form", why=f"its schema is {schema!r}, this version reads {SCHEMA}"
            )
        return Report.model_validate_json(content)
    except (ValueError, AttributeError, ValidationError) as error:
        lines = str(error).splitlines()
        raise ConfigurationError(f"{file} is no report", why="\n".join(lines[:6])) from None


def finished(project: Path) -> list[Path]:
    """The folders of the runs that have a report, the newest first."""
    folders = runs_folder(project).glob(f"*/{FILE_NAME}")
    return sorted((file.parent for file in folders), key=lambda folder: (folder / FILE_NAME).stat().st_mtime_ns)[::-1]


def latest(project: Path) -> Path:
    """The newest run's folder.

    Raises NothingSelected when there is none.
    """
    folders = finished(project)
    if not folders:
        raise NothingSelected("there is no report yet", next_command="sandbox matrix run --group pr")
    return folders[0]


def earlier(project: Path, than: Report) -> Iterator[Report]:
    """The reports of runs before this one, the newest first."""
    for _, report in readable(project):
        if report.id != than.id and report.created <= than.created:
            yield report


def readable(project: Path) -> Iterator[tuple[Path, Report]]:
    """The runs with their reports, the newest first, but for those that another version of the tool has written."""
    for folder in finished(project):
        try:
            report = read(folder)
        except ConfigurationError:
            continue
        yield folder, report


def prune(project: Path, kept: int = RUNS_KEPT) -> None:
    """Remove all runs but the newest, and what runs that were killed had begun before those."""
    folders = finished(project)
    old = set(folders[kept:])
    if old:
        oldest = min(folder.name for folder in folders[:kept])
        old |= {path for path in runs_folder(project).iterdir() if path.name < oldest and path not in folders}
    for folder in old:
        shutil.rmtree(folder, ignore_errors=True)
