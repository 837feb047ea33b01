"""What a benchmark returns."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

Sample = tuple[float, float | None]
"""One round: ours, and the peer's right after it."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One line of the table: ours, the peer's, the ratio, and the goal that it is held against.

    `ours` is None when there is no figure, and `note` says why. `goal` is for the ratio, or for `ours` where
    `goal_is_absolute`; `higher_is_better` is for throughput; `samples` are the rounds behind the medians.
    """

    name: str
    what: str
    unit: str
    ours: float | None
    peer: float | None = None
    peer_name: str = ""
    goal: float | None = None
    goal_is_absolute: bool = False
    higher_is_better: bool = False
    note: str = ""
    samples: tuple[Sample, ...] = ()

    @property
    def benchmark(self) -> str:
        """The benchmark that it belongs to."""
        return self.name.partition(",")[0]

    @property
    def ratio(self) -> float | None:
        """Ours against the peer's."""
        return None if self.peer is None or self.ours is None else self.ours / self.peer

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none, or nothing to hold against it."""
        value = self.ours if self.goal_is_absolute else self.ratio
        if self.goal is None or value is None:
            return None
        return value >= self.goal if self.higher_is_better else value <= self.goal


def medians(samples: Sequence[Sample]) -> tuple[float, float | None]:
    """Ours and the peer's over all rounds; None for a peer that was not measured."""
    peers = [peer for _, peer in samples if peer is not None]
    return statistics.median(ours for ours, _ in samples), statistics.median(peers) if peers else None
