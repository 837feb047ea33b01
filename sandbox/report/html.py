"""The report as one page that needs nothing else: no server, no network, no script."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from sandbox.report.history import History
from sandbox.report.integrity import is_inside
from sandbox.report.model import CellResult, File, Report, State, Trouble, plain, shortened, troubles

MOST_LOGS = 15
MOST_NOTEBOOKS = 10
LOG_CHARACTERS = 30_000
OUTPUT_CHARACTERS = 6_000


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A file whose text is in the page."""

    title: str
    text: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class NotebookCell:
    """A cell of an executed notebook: its source, what it printed, its traceback."""

    number: int
    kind: str
    source: str
    output: str
    error: str


@dataclass(frozen=True, kw_only=True)
class Notebook:
    """An executed notebook."""

    title: str
    failed: bool
    cells: tuple[NotebookCell, ...]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A cell of the matrix as the page shows it."""

    result: CellResult
    history: History | None
    logs: tuple[Shown, ...]
    notebooks: tuple[Notebook, ...]
    slowest: float

    @property
    def troubles(self) -> list[Trouble]:
        """What kept its tests from passing."""
        return troubles(self.result.tests)

    @property
    def earlier_troubles(self) -> list[Trouble]:
        """The same of its attempts before the last one."""
        return troubles(self.result.retried)

    @property
    def anchor(self) -> str:
        """The name of its place in the page."""
        return f"cell-{self.result.id}"


def render(report: Report, history: Mapping[str, History], folder: Path) -> str:
    """The page; `folder` is the report's, with the files that it names."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("sandbox.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["seconds"] = _seconds
    environment.filters["size"] = _size
    sections = [_section(cell, history.get(cell.id), folder) for cell in report.cells]
    return environment.get_template("report.html.j2").render(
        report=report, sections=sections, grid=grid(sections), states=list(State)
    )


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The cells by what runs (rows) and where (columns)."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[Section, ...], ...]], ...]


def grid(sections: Sequence[Section]) -> Grid:
    """Rows are Airflow, Python and provider; columns backend and engine; both in the order of the matrix."""
    columns = list(dict.fromkeys(_column(section) for section in sections))
    rows = list(dict.fromkeys(_row(section) for section in sections))
    return Grid(
        columns=tuple(columns),
        rows=tuple(
            (
                row,
                tuple(
                    tuple(each for each in sections if (_row(each), _column(each)) == (row, column))
                    for column in columns
                ),
            )
            for row in rows
        ),
    )


def _row(section: Section) -> str:
    axes = section.result.axes
    return f"Airflow {axes['airflow']} · Python {axes['python']} · databricks {axes['databricks']}"


def _column(section: Section) -> str:
    axes = section.result.axes
    return f"{axes['backend']} · {axes['engine']}"


def _section(cell: CellResult, history: History | None, folder: Path) -> Section:
    logs = [file for file in cell.files if file.kind == "log"][:MOST_LOGS]
    logs += [file for file in cell.files if file.title == "pytest.log" and cell.state is not State.PASSED]
    notebooks = [file for file in cell.files if file.kind == "notebook"][:MOST_NOTEBOOKS]
    return Section(
        result=cell,
        history=history,
        logs=tuple(_log(file, folder) for file in logs if is_inside(folder, file.path)),
        notebooks=tuple(_notebook(file, folder) for file in notebooks if is_inside(folder, file.path)),
        slowest=max([test.seconds for test in cell.tests], default=0.0),
    )


def _log(file: File, folder: Path) -> Shown:
    text = plain((folder / file.path).read_text("utf-8", errors="replace"))
    return Shown(title=file.title, text=text[-LOG_CHARACTERS:], size_bytes=file.size_bytes)


def _notebook(file: File, folder: Path) -> Notebook:
    try:
        content: Any = json.loads((folder / file.path).read_text("utf-8"))
        cells = tuple(_notebook_cells(content.get("cells", ())))
    except (ValueError, AttributeError):
        cells = ()  # one that was being written when its sandbox was taken down
    return Notebook(title=file.title, failed=any(cell.error for cell in cells), cells=cells)


def _notebook_cells(cells: Sequence[Any]) -> Iterator[NotebookCell]:
    for number, cell in enumerate(cells, 1):
        printed: list[str] = []
        errors: list[str] = []
        for output in cell.get("outputs", ()):
            match output.get("output_type"):
                case "stream":
                    printed.append(_joined(output.get("text")))
                case "error":
                    errors.append("\n".join(output.get("traceback", ())))
                case _:
                    printed.append(_joined(output.get("data", {}).get("text/plain")) + "\n")
        yield NotebookCell(
            number=number,
            kind=str(cell.get("cell_type", "")),
            source=_joined(cell.get("source")),
            output=shortened(plain("".join(printed)), OUTPUT_CHARACTERS),
            error=shortened(plain("\n".join(errors)), OUTPUT_CHARACTERS),
        )


def _joined(text: Any) -> str:
    """A text or a list of its lines: the format allows both."""
    return "".join(text) if isinstance(text, list) else str(text or "")


def _seconds(value: float) -> str:
    """Seconds as people read them."""
    if value < 10:
        return f"{value:.1f} s"
    return f"{value:.0f} s" if value < 120 else f"{value // 60:.0f} min {value % 60:02.0f} s"


def _size(value: int) -> str:
    """Bytes as people read them."""
    return (
        f"{value} B" if value < 1024 else f"{value / 1024:.0f} KiB" if value < 1024**2 else f"{value / 1024**2:.1f} MiB"
    )
