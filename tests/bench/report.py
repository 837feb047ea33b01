"""The results as a table on the terminal, as JSON, and as the block of docs/benchmarks.md."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

from sandbox.console import table
from tests.bench.model import Result

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "benchmarks.md"
BEGIN, END = "<!-- results: nox -s bench -- --docs -->", "<!-- end of results -->"
HEAD = ("benchmark", "what", "sandbox", "peer", "ratio", "goal", "")


def machine() -> str:
    """Where it was measured, in one line."""
    memory = psutil.virtual_memory().total / 1024**3
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}"


def rows(results: Iterable[Result]) -> list[tuple[str, ...]]:
    """One row per result; a missed goal is said."""
    return [
        (
            result.name,
            result.what + (f" ({result.note})" if result.note else ""),
            f"{result.ours:.2f} {result.unit}",
            "" if result.peer is None else f"{result.peer:.2f} {result.unit} ({result.peer_name})",
            "" if result.ratio is None else f"{result.ratio:.2f}",
            _goal(result),
            {True: "met", False: "MISSED", None: ""}[result.met],
        )
        for result in results
    ]


def _goal(result: Result) -> str:
    if result.goal is None:
        return ""
    sign = "≥" if result.higher_is_better else "≤"
    return f"{sign} {result.goal:g}" + (f" {result.unit}" if result.ratio is None else "")


def show(results: Sequence[Result]) -> object:
    """A table for the terminal."""
    return table(HEAD, rows(results))


def write_json(results: Sequence[Result], file: Path) -> None:
    """All figures, with the machine and the day."""
    value = {
        "schema": 1,
        "machine": machine(),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "results": [dataclasses.asdict(result) | {"ratio": result.ratio, "met": result.met} for result in results],
    }
    file.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def write_page(results: Sequence[Result], command: str) -> None:
    """Replace the table in docs/benchmarks.md."""
    text = PAGE.read_text(encoding="utf-8")
    lines = [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}", *(f"| {' | '.join(row)} |" for row in rows(results))]
    said = f"`{command}` on {machine()}, {datetime.now(UTC):%Y-%m-%d}:"
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{said}\n\n" + "\n".join(lines) + f"\n{END}{after}", encoding="utf-8")
