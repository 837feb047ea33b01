"""`python -m tests.bench [NAME …] [--repeat N] [--output FILE] [--docs]`: run benchmarks and report them."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

import click
from rich.console import Console

from tests.bench import report
from tests.bench.ingest import ingest
from tests.bench.kind import kind
from tests.bench.matrix import matrix, matrix_cold
from tests.bench.model import Result
from tests.bench.notebooks import notebooks
from tests.bench.pipeline import pipeline
from tests.bench.rounds import against_standalone

Benchmark = Callable[[int], list[Result]]

BENCHMARKS: dict[str, Benchmark] = {
    "ready": against_standalone,
    "pair": against_standalone,
    "memory": against_standalone,
    "validate": against_standalone,
    "notebooks": notebooks,
    "pipeline": pipeline,
    "ingest": ingest,
    "matrix": matrix,
    "matrix-cold": matrix_cold,
    "kind": kind,
}
"""By name; those of one function are measured in the same rounds. A result is called NAME, or `NAME, aspect`."""

GROUPS = {"standalone": tuple(name for name, benchmark in BENCHMARKS.items() if benchmark is against_standalone)}


def run(names: Iterable[str], repeat: int) -> list[Result]:
    """Run each function once, keep the results asked for; a benchmark that fails becomes a result without a figure."""
    asked = [name for word in names for name in GROUPS.get(word, (word,))]
    found: list[Result] = []
    for benchmark in dict.fromkeys(BENCHMARKS[name] for name in asked):
        mine = [name for name in dict.fromkeys(asked) if BENCHMARKS[name] is benchmark]
        try:
            found += [result for result in benchmark(repeat) if result.benchmark in mine]
        except Exception as error:
            # the others have taken minutes: they shall not be lost
            traceback.print_exc()
            words = " ".join(str(error).split())[-300:]  # the end tells why
            note = f"FAILED: {type(error).__name__}: {words}"
            found += [Result(name=name, what="no figure", unit="", ours=None, note=note) for name in mine]
    return found


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([*BENCHMARKS, *GROUPS]))
@click.option(
    "--repeat", default=3, show_default=True, type=click.IntRange(min=1), help="Rounds; medians are reported."
)
@click.option("--output", type=click.Path(path_type=Path), default=Path("bench.json"), show_default=True)
@click.option("--docs", is_flag=True, help="Put the figures into the table of docs/benchmarks.md.")
def main(names: tuple[str, ...], repeat: int, output: Path, docs: bool) -> None:
    """Run the benchmarks on a machine that does nothing else."""
    # users have byte code: a machine that forbids it would have the tool compiled anew in every process
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    results = run(names or BENCHMARKS, repeat)
    report.write_json(results, output)
    Console(width=200).print(report.show(results))
    if docs:
        report.write_page(results, repeat)
    if any(result.note.startswith("FAILED") for result in results):
        sys.exit(1)


if __name__ == "__main__":
    main()
