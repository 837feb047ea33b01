"""Syntax that the interpreter of this tool may know and that of the notebooks does not.

`ast.parse` refuses most of it by its `feature_version`; what remains are the f-strings of Python 3.12.
"""

from __future__ import annotations

import io
import sys
import tokenize
from collections.abc import Iterator

GRAMMAR = (3, 11)
"""Notebooks run on the Python of the engine, whose lowest is this one; so is that of current Databricks runtimes."""

TOOL: tuple[int, ...] = sys.version_info[:2]


def newer_syntax(code: str) -> Iterator[tuple[int, str]]:
    """Line and message of each f-string that only Python 3.12 and later accept."""
    if TOOL < (3, 12):
        return  # the parser of this very interpreter has refused it
    quotes: list[str] = []
    for token in _tokens(code):
        kind = tokenize.tok_name[token.type]
        if kind == "FSTRING_START":
            quote = token.string.lstrip("fFrRbBuU")
            if quote in quotes:
                yield token.start[0], _message("an f-string uses its own quotes inside of its braces")
            quotes.append(quote)
        elif kind == "FSTRING_END":
            quotes.pop()
        elif quotes and kind == "STRING":
            quote = token.string.lstrip("fFrRbBuU")
            if any(quote.startswith(outer) for outer in quotes):
                yield token.start[0], _message("an f-string uses its own quotes inside of its braces")
            elif "\\" in token.string:
                yield token.start[0], _message("an f-string has a backslash inside of its braces")
        elif quotes and kind == "COMMENT":
            yield token.start[0], _message("an f-string has a comment inside of its braces")


def _message(what: str) -> str:
    return f"SyntaxError on Python {GRAMMAR[0]}.{GRAMMAR[1]}: {what}"


def _tokens(code: str) -> Iterator[tokenize.TokenInfo]:
    try:
        yield from tokenize.generate_tokens(io.StringIO(code).readline)
    except tokenize.TokenError:
        return  # what is left open here, the parser has judged
