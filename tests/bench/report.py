"""The results as a table on the terminal, as JSON, and as the block of docs/benchmarks.md."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import re
import string
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

from sandbox.config import load
from sandbox.console import table
from tests.bench.model import Result
from tests.driver import REPOSITORY

PAGE = REPOSITORY / "docs" / "benchmarks.md"
BEGIN, END = "<!-- results: nox -s bench -- --docs -->", "<!-- end of results -->"
HEAD = ("benchmark", "what", "sandbox", "peer", "ratio", "goal", "")
PAGE_HEAD = (*HEAD, "measured")
ORDER = ("ready", "pair", "memory", "validate", "notebooks", "pipeline", "ingest", "matrix", "matrix-cold", "kind")
"""Of the benchmarks in the page's table; those of one keep their own."""
MACHINE = re.compile(r"^- ([A-Z]): (.+)$", re.MULTILINE)
"""What a letter of the table stands for."""


def machine() -> str:
    """Where it was measured, in one line: what ratios may depend on, so no patch release of anything."""
    memory = psutil.virtual_memory().total / 1024**3
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        system = platform.system()
    kernel = f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}"
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {system}, {kernel}, {_processor()}"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    text = information.read_text(encoding="utf-8") if information.exists() else ""
    models = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return models[0] if models else platform.machine()


def versions() -> str:
    """Of what was measured, in one line."""
    airflow = load(REPOSITORY, os.environ).config.airflow
    return f"Airflow {airflow.version} on Python {airflow.python}"


def rows(results: Iterable[Result]) -> list[tuple[str, ...]]:
    """One row per result; a missed goal is said."""
    return [
        (
            result.name,
            result.what + (f" ({result.note})" if result.note else ""),
            "" if result.ours is None else f"{result.ours:.2f} {result.unit}",
            "" if result.peer is None else f"{result.peer:.2f} {result.unit} ({result.peer_name})",
            "" if result.ratio is None else f"{result.ratio:.2f}",
            _goal(result),
            _verdict(result),
        )
        for result in results
    ]


def _goal(result: Result) -> str:
    if result.goal is None:
        return ""
    sign = "≥" if result.higher_is_better else "≤"
    return f"{sign} {result.goal:g}" + (f" {result.unit}" if result.goal_is_absolute else "")


def _verdict(result: Result) -> str:
    if result.met is None:
        return "" if result.goal is None and result.ours is not None else "not measured"
    return "met" if result.met else "MISSED"


def show(results: Sequence[Result]) -> object:
    """A table for the terminal."""
    return table(HEAD, rows(results))


def write_json(results: Sequence[Result], file: Path) -> None:
    """All figures, with the machine and the day."""
    value = {
        "schema": 1,
        "machine": machine(),
        "versions": versions(),
        "tool": f"Python {platform.python_version()}, {platform.system()} {platform.release()}",
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "results": [dataclasses.asdict(result) | {"ratio": result.ratio, "met": result.met} for result in results],
    }
    file.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def write_page(results: Sequence[Result], repeat: int, page: Path = PAGE) -> None:
    """Put the results into the table of docs/benchmarks.md, in the place of older ones of the same benchmarks.

    Each row says by a letter on which machine, and with which versions, it was measured; what those letters stand for
    is said above the table. What was not measured this time stays.
    """
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    text, _, after = rest.partition(END)
    again = {result.benchmark for result in results}
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| benchmark")]
    kept = [line for line in lines if _benchmark(line) not in again]
    machines = {letter: said for letter, said in MACHINE.findall(text) if any(_letter(line) == letter for line in kept)}
    said = f"{machine()}; {versions()}"
    letter = next((letter for letter, other in machines.items() if other == said), "")
    letter = letter or next(letter for letter in string.ascii_uppercase if letter not in machines)
    measured = f"{letter}, {repeat} round{'s' if repeat > 1 else ''}, {datetime.now(UTC):%Y-%m-%d}"
    table_lines = [f"| {' | '.join(PAGE_HEAD)} |", f"|{'---|' * len(PAGE_HEAD)}"]
    table_lines += sorted([*kept, *(_line((*row, measured)) for row in rows(results))], key=_place)
    known = [f"- {letter}: {said}" for letter, said in sorted((machines | {letter: said}).items())]
    middle = "\n".join(["", *known, "", *table_lines, ""])
    page.write_text(f"{before}{BEGIN}{middle}{END}{after}", encoding="utf-8")


def _line(row: Sequence[str]) -> str:
    cells = (cell.replace("|", "\\|") for cell in row)
    return f"| {' | '.join(cells)} |"


def _benchmark(line: str) -> str:
    """The benchmark that a line of the table belongs to."""
    return line.removeprefix("| ").partition(" |")[0].partition(",")[0]


def _letter(line: str) -> str:
    """The machine on which a line of the table was measured."""
    return line.rpartition(" | ")[2].partition(",")[0]


def _place(line: str) -> int:
    return ORDER.index(_benchmark(line))
