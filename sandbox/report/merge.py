"""Several reports of one revision as one: what CI's jobs found, each for its cells."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sandbox.errors import ConfigurationError
from sandbox.report.integrity import SIGNED, complaint, is_inside, sealed
from sandbox.report.model import CellResult, Report, State

ORDER = (State.NOT_RUN, State.SKIPPED, State.PASSED, State.FAILED)
"""Of two results of one cell the one further right counts: what failed once has failed."""


def merge(reports: Sequence[tuple[Report, Path]], folder: Path, *, key: str) -> Report:
    """One report of all; the cells' files are copied into `folder`.

    Raises ConfigurationError when one was edited, when they are not of the same sources, or when one is not signed
    and what is made of them would be.
    """
    first, _ = reports[0]
    for report, place in reports:
        problem = complaint(report, key)
        if not problem and key and (report.integrity is None or report.integrity.algorithm != SIGNED):
            problem = "it is not signed, and what is made of it would be"
        if problem:
            raise ConfigurationError(f"the report in {place} cannot be trusted", why=problem)
        if (report.source.revision, report.inputs) != (first.source.revision, first.inputs):
            raise ConfigurationError(
                "the reports are of different sources", why="\n".join(_differences(first, report)) or str(place)
            )
    chosen: dict[str, tuple[CellResult, Path]] = {}
    flaky = {cell.id for report, _ in reports for cell in report.cells if cell.flaky}
    for report, place in reports:
        for cell in report.cells:
            known = chosen.get(cell.id)
            if known is None or ORDER.index(cell.state) >= ORDER.index(known[0].state):
                chosen[cell.id] = (cell, place)
    for cell, place in chosen.values():
        for file in cell.files:
            if is_inside(place, file.path):
                _copy(place / file.path, folder / file.path)
    changes = tuple(dict.fromkeys(change for report, _ in reports for change in report.source.changes))
    return sealed(
        first.model_copy(
            update={
                "id": folder.name,
                # no older result becomes younger by company
                "created": min((report.created for report, _ in reports), key=datetime.fromisoformat),
                "selection": tuple(dict.fromkeys(word for report, _ in reports for word in report.selection)),
                "source": first.source.model_copy(
                    update={"clean": all(report.source.clean for report, _ in reports), "changes": changes}
                ),
                "machine": "; ".join(dict.fromkeys(report.machine for report, _ in reports)),
                "jobs": sum(report.jobs for report, _ in reports),
                "seconds": max(report.seconds for report, _ in reports),
                "cells": tuple(
                    cell.model_copy(update={"flaky": cell.flaky or cell.id in flaky}) for cell, _ in chosen.values()
                ),
            }
        ),
        key,
    )


def _copy(source: Path, target: Path) -> None:
    if source.is_file() and source != target:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _differences(one: Report, other: Report) -> list[str]:
    lines = []
    if one.source.revision != other.source.revision:
        lines.append(f"revision {one.source.revision or 'none'} and {other.source.revision or 'none'}")
    for name in sorted({*one.inputs, *other.inputs}):
        if one.inputs.get(name) != other.inputs.get(name):
            lines.append(f"{name} differs")
    return lines
