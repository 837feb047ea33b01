"""The error of input that no retry can mend."""

from __future__ import annotations


class BadInput(Exception):
    """What is wrong, the evidence, and what to do next, in one line; retrying cannot help.

    Everything else that the ingestion raises (a broken connection, a server's 5xx) may pass by itself.
    """

    def __init__(self, what: str, *, why: str, next_step: str) -> None:
        super().__init__(f"{what}: {why}. Next: {next_step}.")


class Unavailable(Exception):
    """A server does not answer as it should right now; a later attempt may succeed."""
