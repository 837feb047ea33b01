"""The Progress protocol: what long work tells whoever watches it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Step(Protocol):
    """One announced piece of work; it fails when its `with` block is left by an exception."""

    def update(self, detail: str) -> None:
        """Show what the step is doing now, in a few words."""

    def done(self, detail: str) -> None:
        """Set what the finished step's line says."""


class Progress(Protocol):
    """Where steps are announced."""

    def step(self, title: str) -> AbstractContextManager[Step]:
        """Announce a step by its title and time it; failure is the default end, success is said last."""

    def note(self, text: str) -> None:
        """Say something beside the steps (a choice made in the open, a hint)."""


class _SilentStep:
    def update(self, detail: str) -> None:
        """Nobody watches."""

    def done(self, detail: str) -> None:
        """Nobody watches."""


class Silent:
    """Progress that nobody watches."""

    def step(self, title: str) -> AbstractContextManager[Step]:
        """See Progress.step."""
        return nullcontext(_SilentStep())

    def note(self, text: str) -> None:
        """See Progress.note."""
