"""What a rule found: where, how bad, what it means and how it is mended."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any


class Severity(StrEnum):
    """An error will fail or compute something wrong; a warning is most likely a mistake, but runs."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True, order=True)
class Place:
    """A line of a file; in an .ipynb `cell` is the number of the notebook cell, and `line` counts inside of it."""

    file: Path
    line: int = 1
    cell: int | None = None

    def shown(self, folder: Path) -> str:
        """`file:line`, relative to `folder` where it lies below it."""
        path = self.file.relative_to(folder) if self.file.is_relative_to(folder) else self.file
        return f"{path}:{self.line}" if self.cell is None else f"{path}:cell {self.cell}:{self.line}"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One mistake. `subject` is the name that it is about: what `wiring.ignore` can single out."""

    rule: str
    severity: Severity
    place: Place
    subject: str
    message: str
    hint: str

    def as_json(self) -> dict[str, Any]:
        """As `sandbox validate --json` prints it."""
        return {
            "rule": self.rule,
            "severity": str(self.severity),
            "file": str(self.place.file),
            "line": self.place.line,
            "cell": self.place.cell,
            "subject": self.subject,
            "message": self.message,
            "hint": self.hint,
        }


SURELY = 0.75
"""How alike two names are when one is most likely a slip of the other."""
ALIKE_WORDS = 0.6
WORD = re.compile(r"\d+|[^\W\d_]+")


def close_to(name: str, names: Iterable[str], *, alike: float = 0.6) -> str | None:
    """The one of `names` that somebody who typed `name` may have meant."""
    found = difflib.get_close_matches(name, sorted(set(names) - {name}), n=1, cutoff=alike)
    return found[0] if found else None


def slip_of(name: str, names: Iterable[str], *, alike: float = SURELY) -> str | None:
    """The one of `names` that `name` most likely is a slip of.

    Numbers are no slips, nor are other words: `posts_2024` beside `posts_2025`, `sales_eu` beside `sales_us`.
    """
    return close_to(name, (other for other in names if _same_words(name, other)), alike=alike)


def _same_words(first: str, second: str) -> bool:
    if re.findall(r"\d+", first) != re.findall(r"\d+", second):
        return False
    words, others = WORD.findall(first), WORD.findall(second)
    return len(words) != len(others) or all(
        difflib.SequenceMatcher(None, word, other).ratio() >= ALIKE_WORDS
        for word, other in zip(words, others, strict=True)
    )


def listed(names: Iterable[str]) -> str:
    """Names for a message, sorted; "none" when there is none."""
    return ", ".join(sorted(names)) or "none"
