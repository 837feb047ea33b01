"""Progress that remembers what it was told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class RecordedStep:
    """Remembers what a step said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def update(self, detail: str) -> None:
        self.said.append(detail)

    def done(self, detail: str) -> None:
        self.said.append(detail)


class RecordedProgress:
    """Remembers the steps by title, and what was said beside them."""

    def __init__(self) -> None:
        self.steps: dict[str, RecordedStep] = {}
        self.notes: list[str] = []

    @contextmanager
    def step(self, title: str) -> Iterator[RecordedStep]:
        self.steps[title] = RecordedStep()
        yield self.steps[title]

    def note(self, text: str) -> None:
        self.notes.append(text)
