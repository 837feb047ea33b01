"""`nox -s bench -- NAME --docs` puts figures into docs/benchmarks.md and loses no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import report
from tests.bench.__main__ import BENCHMARKS
from tests.bench.model import Result


@pytest.fixture
def page(tmp_path: Path) -> Path:
    file = tmp_path / "benchmarks.md"
    file.write_text(f"before\n{report.BEGIN}\n{report.END}\nafter\n")
    return file


def result(name: str, seconds: float) -> Result:
    return Result(name=name, what="something", unit="s", ours=seconds)


def figures(page: Path) -> list[str]:
    """`name figure` of each line of the table."""
    lines = page.read_text().split(report.BEGIN)[1].split(report.END)[0].splitlines()[5:]
    return [" ".join(line.split(" | ")[index].removeprefix("| ") for index in (0, 2)) for line in lines]


def test_what_was_measured_before_stays(page: Path) -> None:
    """A benchmark takes the place of its own lines alone, in the order of the registry."""
    report.write_page([result("kind, ready", 140), result("kind, images", 80), result("ready", 6)], 1, page)
    report.write_page([result("kind, ready", 120), result("ingest", 30)], 3, page)

    assert figures(page) == ["ready 6.00 s", "ingest 30.00 s", "kind, ready 120.00 s"]
    assert page.read_text().startswith("before\n")
    assert page.read_text().endswith(f"{report.END}\nafter\n")


def test_figures_of_another_machine_go(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One table is of one machine."""
    report.write_page([result("ready", 6)], 1, page)
    monkeypatch.setattr(report, "machine", lambda: "96 cores")
    report.write_page([result("ingest", 30)], 1, page)

    assert figures(page) == ["ingest 30.00 s"]


def test_every_benchmark_has_a_place() -> None:
    """In the order of the page."""
    assert tuple(BENCHMARKS) == report.ORDER
