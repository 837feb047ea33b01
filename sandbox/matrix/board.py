"""Where each cell is: a live table on a terminal, a line per change elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from sandbox.matrix.runner import Running
from sandbox.report.model import CellResult, State, troubles

STYLES = {State.PASSED: "green", State.FAILED: "red", State.SKIPPED: "yellow", State.NOT_RUN: "yellow"}
MARKS = {State.PASSED: "✓", State.FAILED: "✗", State.SKIPPED: "-", State.NOT_RUN: "·"}

MOST_TROUBLES = 5
MOST_TESTS = 5
"""Of the tests that did not pass for one reason so many are named."""


class Board:
    """The table; also the Watcher of a schedule."""

    def __init__(self, cells: Sequence[str], console: Console, *, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self._lock = threading.Lock()
        self._running: dict[str, Running] = {}
        self._results: dict[str, CellResult] = {}
        self._cells = list(cells)
        self._live = Live(
            console=console, get_renderable=self.table, refresh_per_second=4, transient=True, auto_refresh=True
        )

    def __enter__(self) -> Self:
        return self

    def opened(self) -> Self:
        """Draw from now on; what came before has a live area of its own."""
        if self._console.is_terminal and not self._quiet:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live.is_started:
            self._live.stop()

    def begins(self, running: Running) -> None:
        """See Watcher."""
        with self._lock:
            self._running[running.job.cell.id] = running
        if not self._live.is_started and not self._quiet:
            self._console.print(f"   {running.job.cell.id}: starts", highlight=False)

    def ends(self, result: CellResult) -> None:
        """See Watcher."""
        with self._lock:
            self._running.pop(result.id, None)
            self._results[result.id] = result
        if self._quiet:
            return
        self._console.print(result_line(result))

    def table(self) -> RenderableType:
        """The cells that have no result yet."""
        with self._lock:
            rows = [self._row(cell) for cell in self._cells if cell not in self._results]
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for name, side in (("cell", "left"), ("seconds", "right"), ("tests", "right"), ("", "left")):
            table.add_column(name, justify="right" if side == "right" else "left", no_wrap=True)
        for row in rows:
            table.add_row(*row)
        return table

    def _row(self, cell: str) -> tuple[Text, ...]:
        running = self._running.get(cell)
        if running is None:
            return Text(cell, style="dim"), Text(""), Text(""), Text("waits", style="dim")
        progress = running.progress.read()
        seconds = f"{time.monotonic() - running.begun:.0f}"
        failed = sum(test.state is State.FAILED for test in progress.tests.values())
        now = running.stopped or progress.running.rpartition("/")[2] or "starts"
        return (
            Text(cell),
            Text(seconds),
            Text(f"{progress.done}/{len(progress.tests)}" + (f" ({failed} ✗)" if failed else "")),
            Text(now, style="red" if failed else ""),
        )


def result_line(result: CellResult) -> Text:
    """One cell's result in one line."""
    line = Text(f" {MARKS[result.state]} ", style=STYLES[result.state])
    line.append(f"{result.id:<48}", style="default")
    line.append(f"{result.state.words:<8}", style=STYLES[result.state])
    line.append(f"{result.seconds:>7.1f} s   ", style="dim")
    line.append(result.counts.words if result.tests else result.reason, style="default")
    if result.flaky:
        line.append("   flaky: passed when retried", style="yellow")
    return line


def explain(results: Sequence[CellResult], paste_able: Callable[[str], str]) -> str:
    """Every cell that is not passed: why, and the one command that runs it again."""
    parts = []
    for result in results:
        if result.state is State.PASSED:
            continue
        lines = [f"{result.id}: {result.state.words}"]
        if result.reason and not any(result.reason.startswith(test.id) for test in result.tests):
            lines.append(f"  {result.reason}")
        for trouble in troubles(result.tests)[:MOST_TROUBLES]:
            lines += [f"  {trouble.state.words}: {test.id}" for test in trouble.tests[:MOST_TESTS]]
            if len(trouble.tests) > MOST_TESTS:
                lines.append(f"  … and {len(trouble.tests) - MOST_TESTS} more, for the same reason:")
            said = trouble.message.strip().splitlines()
            lines += [f"    {line}" for line in ([*said[:2], "  …", *said[-10:]] if len(said) > 13 else said)]
        lines.append(f"  again: {paste_able(result.rerun)}")
        parts.append("\n".join(lines))
    return "\n".join(parts)
