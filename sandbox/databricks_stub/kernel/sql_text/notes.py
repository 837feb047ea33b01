"""What CREATE TABLE says that changes no row and refuses none: clustering, and keys that Databricks does not enforce.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sandbox.databricks_stub.kernel.sql_text.statements import Cursor, Token, tokens

# Documented: https://docs.databricks.com/sql/language-manual/sql-ref-syntax-ddl-create-table-add-constraint
KEY_OPTIONS = frozenset(
    ["NOT", "ENFORCED", "DEFERRABLE", "INITIALLY", "DEFERRED", "NORELY", "RELY", "TIMESERIES", "MATCH", "FULL"]
)
QUERY = frozenset({"AS", "SELECT", "WITH", "VALUES", "FROM"})
GENERIC = frozenset({"ARRAY", "MAP", "STRUCT"})


def without_notes(rest: str) -> str:
    """What follows the name in CREATE TABLE, without CLUSTER BY, PRIMARY KEY, FOREIGN KEY and REFERENCES."""
    pieces = tokens(rest)
    end = _closing(pieces, 0) if pieces and pieces[0].text == "(" else -1
    begin = pieces[end].end if end >= 0 else 0
    columns = rest[:begin]
    if end > 0:
        items = list(_items(pieces[1:end]))
        kept = [text for item in items if (text := _without_key(rest, item))]
        if kept != [_text(rest, item) for item in items]:
            columns = f"({', '.join(kept)})"
    return columns + _without_clustering(rest[begin:])


def _closing(pieces: Sequence[Token], first: int) -> int:
    """Where the bracket that opens at `first` is closed."""
    depth = 0
    for index in range(first, len(pieces)):
        depth += (pieces[index].text == "(") - (pieces[index].text == ")")
        if depth == 0:
            return index
    return len(pieces) - 1


def _items(pieces: Sequence[Token]) -> Iterator[Sequence[Token]]:
    begin = depth = angles = 0
    for index, token in enumerate(pieces):
        depth += (token.text == "(") - (token.text == ")")
        # a type such as MAP<STRING, INT> has commas of its own; elsewhere the sign compares
        if token.text == "<" and index and pieces[index - 1].text.upper() in GENERIC:
            angles += 1
        elif token.text == ">" and angles:
            angles -= 1
        elif token.text == "," and depth == 0 and angles == 0:
            yield pieces[begin:index]
            begin = index + 1
    yield pieces[begin:]


def _text(rest: str, item: Sequence[Token]) -> str:
    return rest[item[0].start : item[-1].end] if item else ""


def _without_key(rest: str, item: Sequence[Token]) -> str:
    """A column without its key; empty for a key that stands for itself."""
    for index in range(len(item)):
        if length := _key_length(item[index:]):
            before, after = _text(rest, item[:index]), _text(rest, item[index + length :])
            return f"{before} {after}".strip() if before else ""
    return _text(rest, item)


def _key_length(pieces: Sequence[Token]) -> int:
    """How many tokens a key has that begins here."""
    cursor = Cursor(pieces)
    if cursor.take("CONSTRAINT"):
        cursor.name()
    is_key = cursor.take("PRIMARY", "KEY") or cursor.take("FOREIGN", "KEY")
    if is_key and cursor.at < len(pieces) and pieces[cursor.at].text == "(":
        cursor.at = _closing(pieces, cursor.at) + 1
    if cursor.take("REFERENCES"):
        is_key = bool(cursor.name())
        if cursor.at < len(pieces) and pieces[cursor.at].text == "(":
            cursor.at = _closing(pieces, cursor.at) + 1
    if not is_key:
        return 0
    while cursor.at < len(pieces) and pieces[cursor.at].text.upper() in KEY_OPTIONS:
        if pieces[cursor.at].text.upper() == "NOT" and not cursor.follows("NOT", "ENFORCED"):
            break
        cursor.at += 1
    return cursor.at


def _without_clustering(text: str) -> str:
    pieces = tokens(text)
    for index, token in enumerate(pieces):
        if token.kind == "word" and token.text.upper() in QUERY:
            return text
        cursor = Cursor(pieces[index:])
        if cursor.take("CLUSTER", "BY") and index + 2 < len(pieces):
            last = _closing(pieces, index + 2) if pieces[index + 2].text == "(" else index + 2
            return text[: token.start] + text[pieces[last].end :]
    return text
