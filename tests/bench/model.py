"""What a benchmark returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Result:
    """One line of the table: ours, the peer's, the ratio, and the goal that it is held against.

    `higher_is_better` is for throughput; `note` says what the reader must know.
    """

    name: str
    what: str
    unit: str
    ours: float
    peer: float | None = None
    peer_name: str = ""
    goal: float | None = None
    higher_is_better: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours against the peer's."""
        return None if self.peer is None else self.ours / self.peer

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        if self.goal is None:
            return None
        value = self.ours if self.ratio is None else self.ratio
        return value >= self.goal if self.higher_is_better else value <= self.goal
