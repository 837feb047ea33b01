"""The last runs of each cell: what got slower, what passes now and then."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sandbox.report.model import CellResult, Report, State, TestResult

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
    tests: Mapping[str, TestResult]


@dataclass(frozen=True, kw_only=True)
class History:
    """A cell in its last runs, this one last; `usual_seconds` is the median of the earlier ones that passed.

    `tests` says of each test that got slower, or that both passed and failed on the same sources, which and how much.
    """

    runs: tuple[Past, ...]
    usual_seconds: float | None
    slower: bool
    flaky: bool
    tests: Mapping[str, str]

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
        tests={test.id: test for test in cell.tests},
    )


def _history(now: Past, before: Sequence[Past]) -> History:
    usual = _usual(run.seconds for run in before if run.state is State.PASSED)
    runs = (*before, now)
    return History(
        runs=runs,
        usual_seconds=usual,
        slower=now.state is State.PASSED and _slower(now.seconds, usual),
        flaky=any(run.flaky for run in runs) or _both_ways((run.sources, run.state) for run in runs),
        tests={name: words for name in now.tests if (words := _of_test(name, now, before))},
    )


def _of_test(name: str, now: Past, before: Sequence[Past]) -> str:
    """What is remarkable about a test; empty when nothing is."""
    earlier = [(run.sources, run.tests[name]) for run in before if name in run.tests]
    test = now.tests[name]
    usual = _usual(past.seconds for _, past in earlier if past.state is State.PASSED)
    parts = []
    if test.state is State.PASSED and usual is not None and _slower(test.seconds, usual):
        parts.append(f"slower: {test.seconds:.0f} s instead of {usual:.0f} s")
    if _both_ways([*((sources, past.state) for sources, past in earlier), (now.sources, test.state)]):
        parts.append("flaky: passed and failed on the same sources")
    return ", ".join(parts)


def _usual(seconds: Iterable[float]) -> float | None:
    """The median, where there are enough to speak of one."""
    known = list(seconds)
    return statistics.median(known) if len(known) >= ENOUGH_RUNS else None


def _slower(seconds: float, usual: float | None) -> bool:
    return usual is not None and seconds > usual * SLOWER_FACTOR and seconds - usual > SLOWER_SECONDS


def _both_ways(results: Iterable[tuple[str, State]]) -> bool:
    """Whether anything both passed and failed on the same sources."""
    on_same_sources: dict[str, set[State]] = {}
    for sources, state in results:
        on_same_sources.setdefault(sources, set()).add(state)
    return any({State.PASSED, State.FAILED} <= states for states in on_same_sources.values())
