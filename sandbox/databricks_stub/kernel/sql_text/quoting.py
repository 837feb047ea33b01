"""Names and texts as SQL has them."""

from __future__ import annotations


def quoted(*parts: str) -> str:
    """A name of several levels, each in backticks."""
    return ".".join("`" + part.replace("`", "``") + "`" for part in parts)


def sql_string(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
