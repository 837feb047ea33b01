"""The group `pr` of the matrix side by side, against its cells one command after another; warm and cold."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psutil

from sandbox.runtimes.store import CACHE_VARIABLE, cache_folder
from tests.bench.model import Result, Sample, medians
from tests.bench.project import timed
from tests.driver import REPOSITORY

GROUP = "pr"
GOAL = 0.6

Environment = Mapping[str, str]
Begin = Callable[[], AbstractContextManager[Environment]]
"""The variables that a measurement runs with; what they stand for is there only as long as it runs."""


def matrix(repeat: int) -> list[Result]:
    """Wall time of the commands with built runtimes; all cells must pass, or there is no figure."""
    return [_result("matrix", "with built runtimes", _warm, repeat)]


def matrix_cold(repeat: int) -> list[Result]:
    """The same with an empty cache of the sandbox's on both sides.

    What uv has downloaded stays, so that the network does not decide.
    """
    return [_result("matrix-cold", "with no runtime built", _cold, repeat)]


def _result(name: str, state: str, begin: Begin, repeat: int) -> Result:
    cells = [cell["id"] for cell in _sandbox("list", "--group", GROUP)["cells"]]
    # builds what is missing, and so fills uv's cache
    _together(os.environ, "--tests", "tests/unit/test_errors.py")
    samples: list[Sample] = []
    notes = ""
    for _ in range(repeat):
        busy_seconds = _busy_seconds()
        with begin() as env:
            alone = {cell: timed(functools.partial(_sandbox, "run", cell, env=env)) for cell in cells}
        # what one by one leaves idle is all that side by side can gain
        share = (_busy_seconds() - busy_seconds) / (sum(alone.values()) * len(psutil.cpu_times(percpu=True)))
        with begin() as env:
            samples.append((timed(functools.partial(_together, env)), sum(alone.values())))
        notes = ", ".join(f"{cell} {seconds:.0f} s" for cell, seconds in alone.items())
        notes += f"; that keeps {share:.0%} of the cores busy"
    ours, peer = medians(samples)
    return Result(
        name=name,
        what=f"the group {GROUP} side by side, {state}, against its cells one by one",
        unit="s",
        ours=ours,
        peer=peer,
        peer_name="one by one",
        goal=GOAL,
        note=f"one by one: {notes}",
        samples=tuple(samples),
    )


def _busy_seconds() -> float:
    """What all processors of this machine have worked so far."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system)


@contextmanager
def _warm() -> Iterator[Environment]:
    yield os.environ


@contextmanager
def _cold() -> Iterator[Environment]:
    # beside the cache that it stands for: uv links files within a file system, and copies them into another
    with tempfile.TemporaryDirectory(prefix="bench-", dir=cache_folder().parent) as folder:
        yield {**os.environ, CACHE_VARIABLE: folder}


def _together(env: Environment, *options: str) -> None:
    _sandbox("run", "--group", GROUP, *options, env=env)


def _sandbox(command: str, *options: str, env: Environment = os.environ) -> dict[str, Any]:
    argv = [sys.executable, "-m", "sandbox", "matrix", command, *options, "--json"]
    done = subprocess.run(argv, cwd=REPOSITORY, env=dict(env), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found
