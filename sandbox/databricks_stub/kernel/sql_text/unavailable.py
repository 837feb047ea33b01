"""Statements that are Databricks' own: no engine of the sandbox has them, and their parsers only say "syntax error"."""

from __future__ import annotations

import re

# a comment may stand before the statement
COPY_INTO = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*COPY\s+INTO\b", re.IGNORECASE | re.DOTALL)
COPY_INTO_MESSAGE = (
    "[UNSUPPORTED_FEATURE.COPY_INTO] COPY INTO is Databricks' own, and not available on the local engine: insert what "
    "spark.read finds there, or INSERT INTO … SELECT … FROM csv.`<path>` (json, parquet), which loads a file again "
    "when it is run again."
)


def refuse(sql: str) -> None:
    """Raise NotImplementedError, with what to do instead, for a statement that no engine has."""
    if COPY_INTO.match(sql):
        raise NotImplementedError(COPY_INTO_MESSAGE)
