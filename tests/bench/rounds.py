"""Readiness, pairs, memory and validate: the sandbox and `airflow standalone` in turn, in the same rounds."""

from __future__ import annotations

import statistics
from pathlib import Path

from sandbox import follow
from sandbox.clients.airflow import AirflowClient
from tests.bench import memory
from tests.bench.model import Result, Sample, medians
from tests.bench.pair import PRODUCER, pair
from tests.bench.project import airflow_python, project, timed
from tests.bench.standalone import environment, migrate, running
from tests.bench.validate import list_import_errors, sandbox_validate
from tests.driver import Cli

LATER_PAIRS = 4
READY = "whole sandbox, from the typed command to all healthy"


def against_standalone(repeat: int) -> list[Result]:
    """All of them; medians of `repeat` rounds."""
    with project() as cli:
        cli("up")  # builds what is missing, so that the first round is like the others
        python = airflow_python(cli)
        cli("reset")
        rounds = [_round(cli, python, number) for number in range(repeat)]
    return [
        _result(rounds, "ready", READY, "s", 0.35, "airflow standalone, empty home"),
        _result(rounds, "ready, migrated", READY, "s", None, "airflow standalone, database migrated before"),
        _result(rounds, "pair, first", "first asset pair after the start", "s", 0.4),
        _result(rounds, "pair", "next asset pairs, trigger to the consumer's success", "s", 0.4),
        _result(rounds, "memory", "PSS of the whole sandbox at rest, after one pair", "MiB", 1.3),
        _result(
            rounds,
            "validate",
            "all DAG files imported; the peer only reads what was found before",
            "s",
            0.1,
            "airflow dags list-import-errors",
        ),
        _result(
            rounds,
            "validate, local",
            "all DAG files imported, by the peer too",
            "s",
            None,
            "airflow dags list-import-errors --local",
        ),
    ]


def _round(cli: Cli, python: Path, number: int) -> dict[str, Sample]:
    ours = _sandbox_round(cli, number)
    dags = cli.project / "dags"
    home = cli.project.parent / f"standalone-{number}"
    with running(python, home, dags) as peer:
        first, later, mebibytes = _pairs(peer.client, dags, lambda: memory.at_rest_mebibytes(peer.processes))
        env = environment(home, dags, 0)
        theirs = {
            "ready": peer.seconds,
            "pair, first": first,
            "pair": later,
            "memory": mebibytes,
            "validate": list_import_errors(python, env, dags),
            "validate, local": list_import_errors(python, env, dags, "--local"),
        }
    migrated = cli.project.parent / f"migrated-{number}"
    migrate(python, migrated, dags)
    with running(python, migrated, dags) as peer:
        theirs["ready, migrated"] = peer.seconds
    # what only the peer does in two ways is held against the same figure of ours
    return {name: (ours.get(name, ours[name.partition(",")[0]]), seconds) for name, seconds in theirs.items()}


def _sandbox_round(cli: Cli, number: int) -> dict[str, float]:
    ready = timed(lambda: cli("up"))
    first, later, mebibytes = _pairs(
        cli.airflow,
        cli.context.dags,
        lambda: memory.at_rest_mebibytes(lambda: memory.of_sandbox(cli.paths.instance_id)),
    )
    found = {
        "ready": ready,
        "pair, first": first,
        "pair": later,
        "memory": mebibytes,
        "validate": sandbox_validate(cli),
    }
    # moved, not deleted: a file system that has just lost thousands of files is slow to make new ones (ext4 does not
    # reuse inodes at once), and no round shall pay for the one before
    cli("down")
    cli.paths.root.rename(cli.project.parent / f"sandbox-{number}")
    return found


def _pairs(airflow: AirflowClient, dags: Path, measure_memory: memory.Measure) -> tuple[float, float, float]:
    """The first pair, the median of the next, and the memory between them."""
    follow.prepare(airflow, PRODUCER, dags)
    first = pair(airflow)
    mebibytes = measure_memory()
    return first, statistics.median(pair(airflow) for _ in range(LATER_PAIRS)), mebibytes


def _result(
    rounds: list[dict[str, Sample]],
    name: str,
    what: str,
    unit: str,
    goal: float | None,
    peer_name: str = "airflow standalone",
) -> Result:
    samples = tuple(each[name] for each in rounds)
    ours, peer = medians(samples)
    return Result(
        name=name, what=what, unit=unit, ours=ours, peer=peer, peer_name=peer_name, goal=goal, samples=samples
    )
