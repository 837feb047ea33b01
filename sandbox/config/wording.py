"""What is wrong with a setting, in TOML's words: the validator's own name Python's types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

KINDS = {
    "string": "text in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "tuple": "a list in brackets",
    "list": "a list in brackets",
    "dict": "a table",
    "model": "a table",
}
"""Pydantic's name of a type, as its error types begin -> what to write in the file."""

BOUNDS = {
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "literal_error": "{expected}",
    "string_pattern_mismatch": "of the form {pattern}",
}
"""Pydantic's error type -> what the value must be, with the figures of the error's context."""


def wrong_value(error: Mapping[str, Any]) -> str:
    """One error of pydantic's `errors()`, as a sentence about the value."""
    kind = str(error["type"])
    wanted = KINDS.get(kind.partition("_")[0]) if kind.endswith(("_type", "_parsing", "_from_float")) else None
    if kind in BOUNDS:
        wanted = BOUNDS[kind].format(**error["ctx"])
    if wanted:
        return f"must be {wanted}{_instead(error['input'])}"
    if kind == "too_short":
        return f"must have at least {error['ctx']['min_length']} item(s)"
    return str(error["msg"]).removeprefix("Value error, ")


def _instead(value: object) -> str:
    """The value that stands there, as the file writes it; a table or a list would be too long, and may hold secrets."""
    return f", not {json.dumps(value, ensure_ascii=False)}" if isinstance(value, (str, int, float)) else ""
