"""The benchmarks against `airflow standalone`, and those of the notebooks and the pipeline."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from sandbox import follow, health
from sandbox.clients.airflow import AirflowClient
from sandbox.clients.databricks import DatabricksClient
from sandbox.services.airflow_row import airflow_request
from sandbox.supervisor import ownership
from tests.bench.model import Result
from tests.bench.standalone import environment, running
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
PAIRS = 5
PATIENCE_SECONDS = 300.0


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


def _pairs(airflow: AirflowClient) -> list[float]:
    """Seconds from each trigger to the consumer's success; both sides are looked at in the same way."""
    follow.prepare(airflow, "bench_produce")
    seconds = []
    for _ in range(PAIRS):
        begun = time.monotonic()
        # the chain asks the workspace only about job_runs, and there are none
        chain = follow.Chain(
            airflow, DatabricksClient(airflow.base_url, token=""), "bench_produce", airflow.trigger("bench_produce", {})
        )
        looks: list[follow.ChainState] = []

        def complaint(chain: follow.Chain = chain, looks: list[follow.ChainState] = looks) -> str:
            looks[:] = [chain.look()]
            return "" if looks[0].finished else "running"

        health.wait_until(complaint, timeout_seconds=PATIENCE_SECONDS)
        assert looks[0].succeeded
        assert len(looks[0].dag_runs) == 2
        seconds.append(time.monotonic() - begun)
    return seconds


def _pss_mebibytes(processes: Iterable[psutil.Process]) -> float:
    total = 0
    for process in processes:
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total / 1024**2


def _sandbox_client(cli: Cli) -> AirflowClient:
    return cli.airflow


def against_standalone(repeat: int) -> list[Result]:
    """ready, pair, first pair, memory and validate: the sandbox and standalone in turn, medians of `repeat` rounds."""
    measured: dict[str, list[tuple[float, float]]] = {}

    def add(name: str, ours: float, peer: float) -> None:
        measured.setdefault(name, []).append((ours, peer))

    with project() as cli:
        cli("up")  # builds what is missing, so that the first round is like the others
        python = cli.context.interpreters[airflow_request(cli.context.config).name]
        cli("down")
        for number in range(repeat):
            begun = time.monotonic()
            cli("up")
            ready = time.monotonic() - begun
            pairs = _pairs(cli.airflow)
            memory = _pss_mebibytes(ownership.marked(cli.paths.instance_id))
            validate = statistics.median(_timed(lambda: cli("validate")) for _ in range(3))
            cli("reset")
            home = cli.project.parent / f"standalone-{number}"
            with running(python, home, cli.project / "dags") as peer:
                add("ready", ready, peer.seconds)
                peer_pairs = _pairs(peer.client)
                add("first pair", pairs[0], peer_pairs[0])
                add("pair", statistics.median(pairs[1:]), statistics.median(peer_pairs[1:]))
                add("memory", memory, _pss_mebibytes(peer.processes()))
                env = environment(home, cli.project / "dags", 0)
                argv = [str(python), "-m", "airflow", "dags", "list-import-errors"]
                add(
                    "validate",
                    validate,
                    _timed(lambda argv=argv, env=env: subprocess.run(argv, env=env, capture_output=True, check=False)),
                )
    median = {
        name: (statistics.median(ours for ours, _ in rows), statistics.median(peer for _, peer in rows))
        for name, rows in measured.items()
    }
    return [
        _against("ready", "whole sandbox, typed command to all healthy", "s", median, 0.35),
        _against("first pair", "first asset pair after the start", "s", median, None),
        _against("pair", "asset pair, trigger to the consumer's success", "s", median, 0.4),
        _against("memory", "PSS of the whole sandbox, after the pairs", "MiB", median, 1.3),
        _against("validate", "all DAG files imported", "s", median, 0.1, peer="airflow dags list-import-errors"),
    ]


def _against(
    name: str,
    what: str,
    unit: str,
    median: dict[str, tuple[float, float]],
    goal: float | None,
    peer: str = "airflow standalone",
) -> Result:
    ours, theirs = median[name]
    return Result(name=name, what=what, unit=unit, ours=ours, peer=theirs, peer_name=peer, goal=goal)


def _timed(work: Callable[[], object]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def notebooks(repeat: int) -> list[Result]:
    """The five notebook tasks on the default sample: the first job_run, and the median of the next."""
    with project() as cli:
        cli("up")
        walls = []
        for _ in range(repeat + 1):
            walls.append(cli("run", "--json").value["job_runs"][0]["seconds"])
        note = f"first one {walls[0]:.1f} s"
        return [
            Result(
                name="notebooks",
                what="five notebook tasks, 2,000 posts and 600 users",
                unit="s",
                ours=statistics.median(walls[1:]),
                goal=5.0,
                note=note,
            )
        ]


def pipeline(repeat: int) -> list[Result]:
    """100,000 posts and 30,000 users through everything, once."""
    del repeat
    with project() as cli:
        archive = cli.project.parent / "large.stackexchange.com.7z"
        cli("archive", "generate", "--site", "large", "--posts", "100000", "--users", "30000", "-o", str(archive))
        cli("up")
        value = cli("run", "--archive", str(archive), "--json").value
        tasks = ", ".join(f"{task['task_key']} {task['seconds']:.1f} s" for task in value["job_runs"][0]["tasks"])
        return [
            Result(
                name="pipeline",
                what="archive to gold, 100,000 posts and 30,000 users",
                unit="s",
                ours=value["seconds"],
                note=f"job_run {value['job_runs'][0]['seconds']:.1f} s: {tasks}",
            )
        ]
