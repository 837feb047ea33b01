"""The last runs of each cell: what got slower, what passes now and then."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sandbox.report.model import CellResult, Report, State

SLOWER_FACTOR = 1.25
SLOWER_SECONDS = 5.0
ENOUGH_RUNS = 3
MOST_RUNS = 20


@dataclass(frozen=True, kw_only=True)
class Past:
    """A cell in one run."""

    run: str
    created: str
    revision: str
    sources: str
    state: State
    seconds: float
    flaky: bool


@dataclass(frozen=True, kw_only=True)
class History:
    """A cell in its last runs, this one last; `usual_seconds` is the median of the earlier ones that passed."""

    runs: tuple[Past, ...]
    usual_seconds: float | None
    slower: bool
    flaky: bool

    @property
    def words(self) -> str:
        """What is remarkable, in a few words; empty when nothing is."""
        parts = []
        if self.slower and self.usual_seconds is not None:
            parts.append(f"slower: {self.runs[-1].seconds:.0f} s instead of {self.usual_seconds:.0f} s")
        if self.flaky:
            parts.append("flaky: passed and failed on the same sources")
        return ", ".join(parts)


def of_report(report: Report, earlier: Iterable[Report]) -> dict[str, History]:
    """The history of each cell of a report; `earlier` has the newest first."""
    before: dict[str, list[Past]] = {}
    for other in earlier:
        for cell in other.cells:
            runs = before.setdefault(cell.id, [])
            if len(runs) < MOST_RUNS - 1 and cell.attempts:
                runs.insert(0, _past(other, cell))
    return {cell.id: _history(_past(report, cell), before.get(cell.id, [])) for cell in report.cells}


def _past(report: Report, cell: CellResult) -> Past:
    return Past(
        run=report.id,
        created=report.created,
        revision=report.source.revision,
        # a tree with changes is known by no name: each such run has sources of its own
        sources=report.source.revision if report.source.clean else f"run {report.id}",
        state=cell.state,
        seconds=cell.seconds,
        flaky=cell.flaky,
    )


def _history(now: Past, before: Sequence[Past]) -> History:
    passed = [run.seconds for run in before if run.state is State.PASSED]
    usual = statistics.median(passed) if len(passed) >= ENOUGH_RUNS else None
    slower = (
        usual is not None
        and now.state is State.PASSED
        and now.seconds > usual * SLOWER_FACTOR
        and now.seconds - usual > SLOWER_SECONDS
    )
    runs = (*before, now)
    on_same_sources: dict[str, set[State]] = {}
    for run in runs:
        on_same_sources.setdefault(run.sources, set()).add(run.state)
    flaky = any(run.flaky for run in runs) or any(
        {State.PASSED, State.FAILED} <= states for states in on_same_sources.values()
    )
    return History(runs=runs, usual_seconds=usual, slower=slower, flaky=flaky)
