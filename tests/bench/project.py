"""The project that benchmarks run on: a copy of the production artefacts and a pair of tiny DAGs."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.services.airflow_row import airflow_request
from tests.driver import Cli, copy_project

PAIR = """
from airflow.sdk import Asset, dag, task

thing = Asset("thing", uri="x-bench://thing")


@dag(schedule=None)
def bench_produce():
    @task(outlets=[thing])
    def emit(): ...

    emit()


@dag(schedule=[thing])
def bench_consume():
    @task
    def take(): ...

    take()


bench_produce()
bench_consume()
"""


@contextmanager
def project() -> Iterator[Cli]:
    """A sandbox's project in a temporary folder, with the pair of DAGs; taken down afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        cli = Cli(project=copy_project(Path(folder) / "project"))
        (cli.project / "dags" / "bench_pair.py").write_text(PAIR)
        try:
            yield cli
        finally:
            cli("down", expect=None)


def airflow_python(cli: Cli) -> Path:
    """The interpreter of the running sandbox's Airflow."""
    context = cli.context
    return context.interpreters[airflow_request(context.config).name]


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    begun = time.monotonic()
    work()
    return time.monotonic() - begun
