"""`python -m tests.bench [NAME …] [--repeat N] [--output FILE] [--docs]`: run benchmarks and report them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from tests.bench import report
from tests.bench.benchmarks import against_standalone, notebooks, pipeline
from tests.bench.ingest import ingest
from tests.bench.model import Result

BENCHMARKS: dict[str, Callable[[int], list[Result]]] = {
    "standalone": against_standalone,
    "notebooks": notebooks,
    "pipeline": pipeline,
    "ingest": ingest,
}
"""Each measures what it returns; `standalone` measures readiness, pairs, memory and validate in the same rounds."""


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)))
@click.option("--repeat", default=3, show_default=True, help="Rounds; medians are reported.")
@click.option("--output", type=click.Path(path_type=Path), default=Path("bench.json"), show_default=True)
@click.option("--docs", is_flag=True, help="Rewrite the table in docs/benchmarks.md.")
def main(names: tuple[str, ...], repeat: int, output: Path, docs: bool) -> None:
    """Run the benchmarks on a machine that does nothing else."""
    results = [result for name in names or BENCHMARKS for result in BENCHMARKS[name](repeat)]
    report.write_json(results, output)
    Console(width=200).print(report.show(results))
    if docs:
        words = " ".join(["nox -s bench --", *names, f"--repeat {repeat}"])
        report.write_page(results, words)


if __name__ == "__main__":
    main()
