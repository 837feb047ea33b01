"""`sandbox validate` while the sandbox is up, and Airflow's own command."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tests.bench.project import timed
from tests.driver import Cli

REPEAT = 3
DAGS = {"bench_consume", "bench_produce", "produce_data_asset", "trigger_databricks_workflow_dag"}


def sandbox_validate(cli: Cli) -> float:
    """The median of a few, from the typed command to its end."""
    value = cli("validate", "--json").value
    assert value["warm"], value
    assert {dag["dag_id"] for dag in value["dags"]} == DAGS, value
    return statistics.median(timed(lambda: cli("validate")) for _ in range(REPEAT))


def list_import_errors(python: Path, env: Mapping[str, str], dags: Path, *arguments: str) -> float:
    """Seconds of `airflow dags list-import-errors`: it reads the database, and imports the DAG files with --local."""
    argv = [str(python), "-m", "airflow", "dags", "list-import-errors", *arguments]
    # with --local, Airflow 3.0.2 leaves the DAG folder, where shared modules are, out of sys.path
    env = dict(env) | {"PYTHONPATH": str(dags)}
    begun = time.monotonic()
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - begun
    assert done.returncode == 0, f"{' '.join(argv)} -> {done.returncode}: {done.stdout[-1000:]}{done.stderr[-1000:]}"
    return seconds
