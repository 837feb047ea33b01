"""A member of an archive, where its bytes go, and what is said when they are wrong."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from stack_exchange.errors import BadInput

NEXT_STEP = "check the file (7z t), or wait for a good upload; nothing was published, the last good data stays"


class Sink(Protocol):
    """Where a member's bytes go."""

    def write(self, data: bytes, /) -> object: ...


OpenSink = Callable[["Member"], AbstractContextManager[Sink]]
"""Called when a wanted member begins; its context is left when the member has ended and its checksum was right."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """A member as the archive's directory describes it."""

    name: str
    size: int
    crc: int | None


def damaged(why: str) -> BadInput:
    """The error of an archive whose content is not what its directory says."""
    return BadInput("the archive is damaged", why=why, next_step=NEXT_STEP)
