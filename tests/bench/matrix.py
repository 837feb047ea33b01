"""The group `pr` of the matrix side by side, against its cells one by one."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.bench.model import Result, Sample, medians
from tests.driver import REPOSITORY

GROUP = "pr"
GOAL = 0.6


def matrix(repeat: int) -> list[Result]:
    """Wall time of the whole command, runtimes built before; all cells must pass, or there is no figure."""
    _run("--jobs", "1")  # builds what is missing
    samples: list[Sample] = []
    notes = ""
    for _ in range(repeat):
        one_by_one = _run("--jobs", "1")
        together = _run()
        samples.append((together["seconds"], one_by_one["seconds"]))
        notes = ", ".join(f"{cell['id']} {cell['seconds']:.0f} s" for cell in one_by_one["cells"])
    ours, peer = medians(samples)
    return [
        Result(
            name="matrix",
            what=f"the group {GROUP} side by side, against its cells one by one",
            unit="s",
            ours=ours,
            peer=peer,
            peer_name="one by one",
            goal=GOAL,
            note=f"one by one: {notes}",
            samples=tuple(samples),
        )
    ]


def _run(*options: str) -> dict[str, Any]:
    argv = [sys.executable, "-m", "sandbox", "matrix", "run", "--group", GROUP, "--json", "--quiet", *options]
    done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found
