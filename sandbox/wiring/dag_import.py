"""Import every DAG file in Airflow's own interpreter: the resident one of a running sandbox, or a fresh one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.errors import ServiceNotHealthy

ANSWER_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What importing the DAG files showed; the mappings are those of `sandbox validate --json`."""

    seconds: float
    warm: bool
    dags: tuple[Mapping[str, Any], ...]
    import_errors: tuple[Mapping[str, Any], ...]
    warnings: tuple[Mapping[str, Any], ...]


def _report(answer: Mapping[str, Any], *, warm: bool) -> ImportReport:
    return ImportReport(
        seconds=answer["seconds"],
        warm=warm,
        dags=tuple(answer["dags"]),
        import_errors=tuple(answer["import_errors"]),
        warnings=tuple(answer.get("warnings", ())),
    )


def ask_resident(socket_file: Path) -> ImportReport | None:
    """The answer of the running sandbox's validator about its own DAG folder; None when there is none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWER_SECONDS)
        try:
            connection.connect(str(socket_file))
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        connection.sendall(b"{}\n")
        with connection.makefile("rb") as stream:
            line = stream.readline()
    return _report(json.loads(line), warm=True) if line else None


def run_once(interpreter: Path, package_link: Path, dags: Path, environment: Mapping[str, str]) -> ImportReport:
    """Import the DAG files in a process of its own; raises ServiceNotHealthy when that process fails."""
    done = subprocess.run(
        [str(interpreter), "-m", "sandbox.airflow_launcher", "validate", "--dags", str(dags)],
        env=os.environ | dict(environment) | {"PYTHONPATH": str(package_link)},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode not in (0, 1) or not lines:
        raise ServiceNotHealthy(
            f"the DAG files could not be imported: exit code {done.returncode}",
            why=done.stderr[-3000:],
            next_command="sandbox doctor",
        )
    return _report(json.loads(lines[-1]), warm=False)
