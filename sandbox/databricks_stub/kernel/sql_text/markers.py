"""The parameter markers of a statement, `:name` and `?`: which signs are some, and literals in their place.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sandbox.databricks_stub.kernel.sql_text.statements import Token, tokens


def bound(statement: str, values: Mapping[str, str] | Sequence[str]) -> str:
    """The statement with its markers replaced by SQL; one that has no value stays, and the engine names it.

    Casts (`a::date`), fields of a VARIANT (`payload:name`) and of a type (`struct<a:int>`), texts, quoted names and
    comments have no markers.
    """
    named = values if isinstance(values, Mapping) else {}
    remaining = iter(() if isinstance(values, Mapping) else values)
    replaced = [
        (start, end, value)
        for name, start, end in _markers(tokens(statement))
        if (value := named.get(name) if name else next(remaining, None)) is not None
    ]
    for start, end, value in reversed(replaced):
        statement = statement[:start] + value + statement[end:]
    return statement


def unnamed(statement: str) -> int:
    """How many of a statement's markers are `?`."""
    return sum(not name for name, _, _ in _markers(tokens(statement)))


def _markers(pieces: Sequence[Token]) -> Iterator[tuple[str, int, int]]:
    """The name, empty for `?`, and where the marker begins and ends."""
    for index, token in enumerate(pieces):
        if token.text == "?":
            yield "", token.start, token.end
        if token.text != ":" or index + 1 == len(pieces):
            continue
        before, after = pieces[index - 1] if index else None, pieces[index + 1]
        # a cast has two colons; a field's colon follows its owner without a space
        is_cast = ":" in (after.text, before.text if before else "")
        is_field = before is not None and before.end == token.start and (before.kind != "sign" or before.text in ")]")
        is_name = after.kind == "word" and after.start == token.end and not after.text[0].isdigit()
        if is_name and not is_cast and not is_field:
            yield after.text, token.start, after.end
