"""Clock and ids: the two sources of chance that tests replace."""

from __future__ import annotations

import secrets
import time
import uuid
from typing import Protocol


class Clock(Protocol):
    """What time it is."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, as all of Databricks's timestamps are."""
        ...


class Ids(Protocol):
    """Where new ids come from."""

    def number(self) -> int:
        """A new id of a job or a run."""
        ...

    def text(self) -> str:
        """A new id of a statement."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000


class RandomIds:
    """Ids as Databricks gives them: 15 digits, safe as a JavaScript number; UUIDs for statements."""

    def number(self) -> int:
        """Fifteen digits."""
        return 10**14 + secrets.randbelow(9 * 10**14)

    def text(self) -> str:
        """A UUID."""
        return str(uuid.uuid4())
