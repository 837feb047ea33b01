"""The peer: `airflow standalone` of the same runtime, with a home of its own and Airflow's defaults."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from sandbox import health
from sandbox.backends.process import clean_environment
from sandbox.clients.airflow import AirflowClient
from sandbox.health import Probe
from sandbox.services.airflow import HEALTHY_PATHS

START_SECONDS = 180.0


@dataclass(frozen=True, kw_only=True)
class Standalone:
    """One that runs: how long it took to be healthy, a client of it, its process."""

    seconds: float
    client: AirflowClient
    process: psutil.Process

    def processes(self) -> list[psutil.Process]:
        """It and all its descendants."""
        return [self.process, *self.process.children(recursive=True)]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(home: Path, dags: Path, port: int) -> dict[str, str]:
    """Airflow's defaults, without the examples and telemetry."""
    return clean_environment(os.environ) | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }


@contextmanager
def running(python: Path, home: Path, dags: Path) -> Iterator[Standalone]:
    """Start it and wait until all four components are healthy."""
    home.mkdir(parents=True)
    (home / "passwords.json").write_text(json.dumps({"admin": "bench"}) + "\n")
    port = _free_port()
    begun = time.monotonic()
    with (home / "standalone.log").open("wb") as log:
        started = subprocess.Popen(
            [str(python), "-m", "airflow", "standalone"],
            # it starts its components as `airflow …`
            env=environment(home, dags, port) | {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    process = psutil.Process(started.pid)
    try:
        url = f"http://127.0.0.1:{port}"
        probe = Probe(kind="http", target=f"{url}/api/v2/monitor/health", healthy_paths=HEALTHY_PATHS)
        health.wait_until(lambda: health.check(probe), timeout_seconds=START_SECONDS)
        seconds = time.monotonic() - begun
        yield Standalone(seconds=seconds, client=AirflowClient(url, user="admin", password="bench"), process=process)
    finally:
        family = [process, *process.children(recursive=True)]
        for member in family:
            try:
                member.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(family, timeout=10)
        started.wait()
