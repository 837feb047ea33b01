"""Import every DAG file in Airflow's own interpreter: the resident one of a running sandbox, or a fresh one."""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.errors import ServiceNotHealthy

if TYPE_CHECKING:
    from sandbox.config import Config

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


class Question:
    """A question that has been put to the running sandbox's validator: it works while we do something else."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def answer(self) -> ImportReport | None:
        """Wait for the answer; None when the validator went away without one."""
        with self._connection, self._connection.makefile("rb") as stream:
            line = stream.readline()
        return _report(json.loads(line), warm=True) if line else None


def ask_resident(socket_file: Path) -> Question | None:
    """Ask the running sandbox's validator about its own DAG folder; None when there is none."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(ANSWER_SECONDS)
    try:
        connection.connect(str(socket_file))
        connection.sendall(b"{}\n")
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    return Question(connection)


def environment(config: Config, project: Path) -> dict[str, str]:
    """What DAG files can read while they are imported without a sandbox: options, and Variables as they usually are."""
    from sandbox.services import SERVICES
    from sandbox.services.airflow_row import options

    values = options(config, project)
    for name, text in config.airflow.variables.items():
        for service in SERVICES.values():
            if service.default_port is not None:
                text = text.replace(f"{{{service.name}.url}}", f"http://127.0.0.1:{service.default_port(config)}")
        values[f"AIRFLOW_VAR_{name.upper()}"] = text
    return values | {"AIRFLOW__CORE__LOAD_EXAMPLES": "False"}


def run_once(interpreter: Path, package_link: Path, dags: Path, environment: Mapping[str, str]) -> ImportReport:
    """Import the DAG files in a process of its own; raises ServiceNotHealthy when that process fails.

    `environment` is all that the process sees. Airflow's home is a folder that goes with it: rows do not share one.
    """
    with tempfile.TemporaryDirectory(prefix="sandbox-validate-") as home:
        done = subprocess.run(
            [str(interpreter), "-m", "sandbox.airflow_launcher", "validate", "--dags", str(dags)],
            env={**environment, "AIRFLOW_HOME": home, "PYTHONPATH": str(package_link)},
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
