"""Reads the parts of SQL statements that matter here: where a table lies, what is inserted or merged, which paths.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sandbox.databricks_stub.kernel.sql_text.statements import Cursor, Token, tokens


@dataclass(frozen=True, kw_only=True)
class TableClauses:
    """What follows the name in CREATE TABLE, as far as it says where and how the table is kept."""

    provider: str
    location: str
    is_select: bool
    has_options: bool


def table_clauses(rest: str) -> TableClauses:
    """Read the clauses between the name (and columns) and AS."""
    pieces = tokens(rest)
    options = set(_path_options(pieces))
    provider = location = ""
    is_select = has_options = False
    depth = 0
    for index, token in enumerate(pieces):
        depth += (token.text == "(") - (token.text == ")")
        following = pieces[index + 1].text if index + 1 < len(pieces) else ""
        word = token.text.upper() if token.kind == "word" else ""
        if depth == 0 and word == "USING":
            provider = following.strip("`").lower()
        elif depth == 0 and word == "LOCATION":
            location = following[1:-1]
        elif depth == 0 and word == "OPTIONS":
            has_options = True
        elif index in options and not location:
            location = token.text[1:-1]
        elif depth == 0 and (word == "AS" or (word in ("SELECT", "WITH", "VALUES", "FROM") and following != "(")):
            is_select = True
            break
    return TableClauses(provider=provider, location=location, is_select=is_select, has_options=has_options)


@dataclass(frozen=True, kw_only=True)
class InsertClauses:
    """What follows the name in INSERT."""

    columns: tuple[str, ...]
    by_name: bool
    query: str


def insert_clauses(rest: str) -> InsertClauses | None:
    """The columns and the query of an INSERT; None when it names no columns or has clauses of another kind."""
    pieces = tokens(rest)
    cursor = Cursor(pieces)
    if cursor.take("BY", "NAME"):
        start = cursor.rest_start()
        return InsertClauses(columns=(), by_name=True, query=rest[start:]) if start is not None else None
    if not pieces or pieces[0].text != "(":
        return None
    end = next((index for index, token in enumerate(pieces) if token.text == ")"), 0)
    inside = pieces[1:end]
    names = inside[::2]
    if not all(token.kind in ("word", "quoted") for token in names) or any(item.text != "," for item in inside[1::2]):
        return None
    if not inside or names[0].text.upper() in ("SELECT", "WITH", "VALUES", "FROM") or end + 1 >= len(pieces):
        return None
    columns = tuple(token.text.strip("`").replace("``", "`") for token in names)
    return InsertClauses(columns=columns, by_name=False, query=rest[pieces[end].end :])


@dataclass(frozen=True, kw_only=True)
class MergeSource:
    """What stands after USING in a MERGE: a name, or a query in brackets."""

    name: tuple[str, ...]
    text: str
    """The query without its brackets, for a source without a name."""
    start: int
    end: int
    has_alias: bool


def merge_source(sql: str) -> MergeSource | None:
    """Find the source of a MERGE."""
    pieces = tokens(sql)
    depth = 0
    for index, token in enumerate(pieces):
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0 and token.kind == "word" and token.text.upper() == "USING":
            return _source(sql, pieces, index + 1)
    return None


def _source(sql: str, pieces: Sequence[Token], first: int) -> MergeSource | None:
    if first >= len(pieces):
        return None
    last = first
    name: tuple[str, ...] = ()
    if pieces[first].text == "(":
        depth = 0
        for last in range(first, len(pieces)):
            depth += (pieces[last].text == "(") - (pieces[last].text == ")")
            if depth == 0:
                break
    else:
        cursor = Cursor(pieces[first:])
        name = cursor.name()
        if not name:
            return None
        last = first + max(2 * len(name) - 2, 0)
    after = pieces[last + 1] if last + 1 < len(pieces) else None
    start, end = pieces[first].start, pieces[last].end
    return MergeSource(
        name=name,
        text="" if name else sql[start + 1 : end - 1],
        start=start,
        end=end,
        has_alias=after is not None and after.text.upper() != "ON",
    )


def replace_paths(sql: str, resolve: Callable[[str], str]) -> str:
    """Resolve the paths in LOCATION '…', OPTIONS (path '…') and csv.`…`; other strings are data."""
    pieces = tokens(sql)
    options = set(_path_options(pieces))
    found = sql
    for index in range(len(pieces) - 1, 0, -1):
        token, before = pieces[index], pieces[index - 1]
        is_location = token.kind == "string" and before.kind == "word" and before.text.upper() == "LOCATION"
        is_file = token.kind == "quoted" and before.text == "." and "/" in token.text
        if is_location or is_file or index in options:
            quote = token.text[0]
            found = found[: token.start] + quote + resolve(token.text[1:-1]) + quote + found[token.end :]
    return found


def _path_options(pieces: Sequence[Token]) -> Iterator[int]:
    """Where the values of the option `path` stand: in the brackets after OPTIONS only, elsewhere it is a column."""
    for index in range(len(pieces) - 1):
        if pieces[index].text.upper() != "OPTIONS" or pieces[index + 1].text != "(":
            continue
        at = index + 2
        while at + 1 < len(pieces) and pieces[at].text != ")":
            is_path = pieces[at - 1].text in "(," and pieces[at].text.strip("`'\"").lower() == "path"
            value = at + 2 if pieces[at + 1].text == "=" else at + 1
            if is_path and value < len(pieces) and pieces[value].kind == "string":
                yield value
            at += 1
