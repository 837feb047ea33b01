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
from sandbox.backends.process_environment import clean_environment
from sandbox.clients.airflow import AirflowClient
from sandbox.health import Probe
from sandbox.services.airflow import HEALTHY_PATHS
from sandbox.supervisor import ownership
from tests.bench.memory import with_descendants

START_SECONDS = 180.0
STOP_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Standalone:
    """One that runs: how long it took to be healthy, a client of it, its process."""

    seconds: float
    client: AirflowClient
    process: psutil.Process

    def processes(self) -> list[psutil.Process]:
        """It, all its descendants, and those that it has lost."""
        return _family(self.process)


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


def migrate(python: Path, home: Path, dags: Path) -> None:
    """Give a home its database."""
    home.mkdir(parents=True)
    argv = [str(python), "-m", "airflow", "db", "migrate"]
    subprocess.run(argv, env=environment(home, dags, 0), check=True, capture_output=True)


@contextmanager
def running(python: Path, home: Path, dags: Path) -> Iterator[Standalone]:
    """Start it and wait until all four components are healthy."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "passwords.json").write_text(json.dumps({"admin": "bench"}) + "\n")
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    probe = Probe(kind="http", target=f"{url}/api/v2/monitor/health", healthy_paths=HEALTHY_PATHS)
    log = home / "standalone.log"
    begun = time.monotonic()
    with log.open("wb") as output:
        started = subprocess.Popen(
            [str(python), "-m", "airflow", "standalone"],
            # it starts its components as `airflow …`
            env=environment(home, dags, port) | {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    process = psutil.Process(started.pid)

    def complaint() -> str:
        assert started.poll() is None, f"standalone ended: {log.read_text(errors='replace')[-2000:]}"
        return health.check(probe)

    try:
        health.wait_until(complaint, timeout_seconds=START_SECONDS)
        seconds = time.monotonic() - begun
        yield Standalone(seconds=seconds, client=AirflowClient(url, user="admin", password="bench"), process=process)
    finally:
        _stop(started, process)


def _stop(started: subprocess.Popen[bytes], process: psutil.Process) -> None:
    family = _family(process)
    started.terminate()
    try:
        started.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        started.kill()
        started.wait()
    # what it left behind, and what that has started meanwhile
    left = {member.pid: member for member in (*family, *_in_session(process.pid)) if member.is_running()}
    living = ownership.end(with_descendants(left.values()), grace_seconds=STOP_SECONDS)
    assert not living, f"these processes of airflow standalone do not end: {living}"


def _family(process: psutil.Process) -> list[psutil.Process]:
    return with_descendants([process, *_in_session(process.pid)])


def _in_session(session_id: int) -> Iterator[psutil.Process]:
    """Children whose parent has died are nobody's descendants any more, but they keep their session."""
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == session_id and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            continue
