"""What another Airflow row would break: its own import of the DAG files, and what Ruff knows of Airflow's releases."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sandbox.errors import ConfigurationError, ServiceNotHealthy
from sandbox.runtimes.registry import AIRFLOW_PREFIX, RUNTIMES, RuntimeSpec, find_spec
from sandbox.wiring.dag_import import ImportReport
from sandbox.wiring.findings import Finding, Place, Severity, listed

RUFF = "ruff"
ROW_IMPORTS, ROW_DAGS, ROW_DEPRECATED = "row-imports", "row-dags", "row-deprecated"
BREAKING = ("AIR301", "AIR302", "AIR303")
"""Removed, moved to a provider, or with another signature; the others still work, or only matter in style."""
SINCE = {"AIR321": (3, 1)}
"""Rules whose advice an older Airflow does not understand."""
COMPARED = {"tasks": "tasks", "schedule_assets": "assets to wait for", "outlets": "outlets"}
"""What of a DAG must be the same. How a timetable describes itself is not: releases differ in their words."""


def row_spec(text: str) -> RuntimeSpec:
    """`3.3.2-py3.13` or a runtime's name as the row that it is; raises ConfigurationError when it is none."""
    spec = find_spec(text if text in RUNTIMES or text.startswith(AIRFLOW_PREFIX) else f"{AIRFLOW_PREFIX}{text}")
    if not spec.is_airflow:
        rows = [name.removeprefix(AIRFLOW_PREFIX) for name, known in RUNTIMES.items() if known.is_airflow]
        raise ConfigurationError(
            f"{text} is no Airflow row", why=f"rows are: {listed(rows)}", next_command="sandbox runtimes list"
        )
    return spec


def airflow_version(spec: RuntimeSpec) -> tuple[int, ...]:
    """The Airflow version of a row, for comparison."""
    version = spec.name.removeprefix(AIRFLOW_PREFIX).partition("-py")[0]
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def compare(before: ImportReport, after: ImportReport, row: str) -> Iterator[Finding]:
    """What the row does not import or reads otherwise, and what it warns of that the present row does not."""
    known_errors = {(error["file"], error["message"]) for error in before.import_errors}
    for error in after.import_errors:
        also = ", as on the present row" if (error["file"], error["message"]) in known_errors else ""
        yield _finding(
            ROW_IMPORTS,
            Severity.ERROR,
            Place(file=Path(error["file"]), line=error["line"] or 1),
            f"on {row}: {error['message']}{also}",
            "write it so that both rows understand it, for example by `try: … except ImportError:`",
        )
    yield from _dags(before, after, row)
    known_warnings = {_words(warning) for warning in before.warnings}
    for warning in after.warnings:
        if _words(warning) not in known_warnings:
            file, _, line = str(warning["file"]).rpartition(":")
            yield _finding(
                ROW_DEPRECATED,
                Severity.WARNING,
                Place(file=Path(file), line=int(line)),
                f"on {row}: {_words(warning)}",
                "it still works there, and will not for ever",
            )


def _dags(before: ImportReport, after: ImportReport, row: str) -> Iterator[Finding]:
    failed = {error["file"] for error in after.import_errors}
    there = {dag["dag_id"]: dag for dag in after.dags}
    for dag in before.dags:
        place = Place(file=Path(dag["file"]))
        other = there.get(dag["dag_id"])
        if other is None:
            if dag["file"] not in failed:
                message = f"on {row} there is no DAG {dag['dag_id']}"
                yield _finding(ROW_DAGS, Severity.ERROR, place, message, "look at what its file does on that row")
            continue
        for key, word in COMPARED.items():
            here, over_there = _names(dag[key]), _names(other[key])
            if here != over_there:
                message = f"on {row} DAG {dag['dag_id']} has other {word}: {listed(over_there)}, not {listed(here)}"
                yield _finding(ROW_DAGS, Severity.ERROR, place, message, "look at what its file does on that row")


def _names(values: list[Any]) -> set[str]:
    return {str(item["uri"] or item["name"]) if isinstance(item, dict) else str(item) for item in values}


def run_ruff(ruff: Path, dags: Path, spec: RuntimeSpec) -> list[Finding]:
    """What Ruff's rules about Airflow say of the DAG files; raises ServiceNotHealthy when it does not run."""
    python = spec.pythons[0].replace(".", "")
    done = subprocess.run(
        [
            *(str(ruff), "check", "--isolated", "--no-cache", "--preview", "--select", "AIR3"),
            *("--target-version", f"py{python}", "--output-format", "json", str(dags)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise ServiceNotHealthy(
            f"ruff could not check the DAG files: exit code {done.returncode}",
            why=done.stderr[-3000:],
            next_command="sandbox runtimes verify ruff --repair",
        )
    return list(ruff_findings(json.loads(done.stdout), airflow_version(spec)))


def ruff_findings(reported: list[Mapping[str, Any]], version: tuple[int, ...]) -> Iterator[Finding]:
    """Ruff's answer as findings, without what does not hold for that version."""
    for item in reported:
        code = str(item["code"])
        if code.startswith("AIR") and version >= SINCE.get(code, (3, 0)):
            fix = item.get("fix") or {}
            yield _finding(
                code,
                Severity.ERROR if code in BREAKING else Severity.WARNING,
                Place(file=Path(item["filename"]), line=item["location"]["row"]),
                str(item["message"]),
                str(fix.get("message") or f"{item['url']}"),
            )


def _words(warning: Mapping[str, Any]) -> str:
    return str(warning["message"])


def _finding(rule: str, severity: Severity, place: Place, message: str, hint: str) -> Finding:
    return Finding(rule=rule, severity=severity, place=place, subject=place.file.name, message=message, hint=hint)
