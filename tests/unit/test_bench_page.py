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


def table(page: Path) -> list[list[str]]:
    """The cells of each line of the table."""
    lines = page.read_text().split(report.BEGIN)[1].split(report.END)[0].splitlines()
    return [line.removeprefix("| ").split(" | ") for line in lines if line.startswith("| ")][1:]


def figures(page: Path) -> list[str]:
    """`name figure` of each line of the table."""
    return [f"{cells[0]} {cells[2]}" for cells in table(page)]


def machines(page: Path) -> list[str]:
    """The letters of the machines that are said, and those of the lines of the table."""
    said = [line[2] for line in page.read_text().splitlines() if line.startswith("- ")]
    return [*said, *(cells[-1].partition(",")[0] for cells in table(page))]


def test_what_was_measured_before_stays(page: Path) -> None:
    """A benchmark takes the place of its own lines alone, in the order of the registry."""
    report.write_page([result("kind, ready", 140), result("kind, images", 80), result("ready", 6)], 1, page)
    report.write_page([result("kind, ready", 120), result("ingest", 30)], 3, page)

    assert figures(page) == ["ready 6.00 s", "ingest 30.00 s", "kind, ready 120.00 s"]
    assert page.read_text().startswith("before\n")
    assert page.read_text().endswith(f"{report.END}\nafter\n")


def test_each_line_says_its_machine(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ratios carry over, seconds do not; a machine without a line is not said."""
    report.write_page([result("ready", 6), result("pair", 1)], 1, page)
    monkeypatch.setattr(report, "machine", lambda: "96 cores")
    report.write_page([result("ready", 5)], 1, page)

    assert figures(page) == ["ready 5.00 s", "pair 1.00 s"]
    assert machines(page) == ["A", "B", "B", "A"]
    assert "- B: 96 cores; Airflow" in page.read_text()

    report.write_page([result("pair", 2)], 1, page)
    assert machines(page) == ["B", "B", "B"]


def test_every_benchmark_has_a_place() -> None:
    """In the order of the page."""
    assert tuple(BENCHMARKS) == report.ORDER
