"""A migrated metadata database per Airflow runtime, kept cold in the cache: a copy instead of seconds of migrations."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import filelock

from sandbox import health, postgres
from sandbox.errors import PrerequisiteMissing
from sandbox.health import Probe
from sandbox.paths import make_private
from sandbox.progress import Progress

LAYOUT = 1
"""Part of every template's name: raise it when the way a template is made changes."""
START_SECONDS = 30.0


def folder(cache: Path, *, airflow_key: str, postgres_key: str) -> Path:
    """Where the template of an Airflow runtime lies."""
    return cache / "databases" / f"{airflow_key}-{postgres_key}-{LAYOUT}"


def ensure(
    target: Path, *, airflow_python: Path, postgres_python: Path, environment: Mapping[str, str], progress: Progress
) -> Path:
    """Make the template when there is none: a new cluster, migrated by Airflow itself, then stopped.

    A half-made one is never seen: it is built beside and renamed. Raises PrerequisiteMissing with the migration's
    output.
    """
    if target.is_dir():
        return target
    make_private(target.parent)
    with filelock.FileLock(target.with_suffix(".lock")), progress.step("metadata database") as step:
        if not target.is_dir():
            _remove_unfinished(target)
            with tempfile.TemporaryDirectory(prefix="sandbox-pg-", dir="/tmp") as sockets:
                unfinished = target.with_name(f"{target.name}.unfinished")
                _make(unfinished, Path(sockets), airflow_python, postgres_python, environment)
            unfinished.rename(target)
        step.done("migrated once, copied from now on")
    return target


def _remove_unfinished(target: Path) -> None:
    unfinished = target.with_name(f"{target.name}.unfinished")
    if unfinished.exists():
        shutil.rmtree(unfinished)


def _make(
    data: Path, sockets: Path, airflow_python: Path, postgres_python: Path, environment: Mapping[str, str]
) -> None:
    bin_folder = postgres.binaries(postgres_python)
    postgres.init(bin_folder, data)
    try:
        with serving(bin_folder, data, sockets):
            at_socket = ["-h", str(sockets), "-U", postgres.USER]
            postgres.run([str(bin_folder / "createdb"), *at_socket, postgres.DATABASE], doing="create the database")
            migrate(sockets, airflow_python, environment)
    except BaseException:
        shutil.rmtree(data, ignore_errors=True)
        raise


@contextmanager
def serving(bin_folder: Path, data: Path, sockets: Path) -> Iterator[None]:
    """Serve a cluster at a socket folder of its own for the time of the block."""
    log = data.with_suffix(".log")
    with log.open("wb") as output:
        server = subprocess.Popen(
            postgres.server_argv(bin_folder, data, sockets), cwd="/", stdout=output, stderr=output
        )
    try:
        _wait_for(server, sockets, log)
        yield
    except BaseException:
        server.kill()
        server.wait()
        raise
    server.send_signal(signal.SIGINT)
    server.wait()
    log.unlink()


def migrate(sockets: Path, airflow_python: Path, environment: Mapping[str, str]) -> None:
    """Bring the database that is served at `sockets` to the schema of an Airflow, by that Airflow itself."""
    sync_url, async_url = postgres.sqlalchemy_urls(sockets)
    with tempfile.TemporaryDirectory(prefix="sandbox-airflow-") as home:
        env = (
            os.environ
            | dict(environment)
            | {
                "AIRFLOW_HOME": home,
                "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": sync_url,
                "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": async_url,
                "AIRFLOW__CORE__DAGS_FOLDER": home,
                "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            }
        )
        argv = [str(airflow_python), "-m", "airflow", "db", "migrate"]
        postgres.run(argv, doing="migrate Airflow's metadata database", env=env)


def _wait_for(server: subprocess.Popen[bytes], sockets: Path, log: Path) -> None:
    probe = Probe(kind="unix", target=str(postgres.socket_file(sockets)))

    def complaint() -> str:
        if server.poll() is not None:
            raise PrerequisiteMissing(
                f"PostgreSQL ended with {server.returncode}",
                why=log.read_text(errors="replace")[-3000:],
                next_command="sandbox doctor",
            )
        return health.check(probe)

    health.wait_until(complaint, timeout_seconds=START_SECONDS)
