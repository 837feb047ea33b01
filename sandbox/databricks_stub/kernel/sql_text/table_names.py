"""Finds the names of tables and views in a query: what stands after FROM and JOIN, and after commas between them.

Not a parser: it follows brackets and the words that open and close a FROM clause. Standard library only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sandbox.databricks_stub.kernel.sql_text.statements import Cursor, Token, tokens

QUERY = frozenset({"SELECT", "WITH", "FROM", "VALUES", "TABLE"})
"""How a bracket begins that has a query in it, not the arguments of a function."""
AFTER_FROM = frozenset(
    (
        *("SELECT", "WHERE", "GROUP", "HAVING", "QUALIFY", "WINDOW", "ORDER", "SORT", "CLUSTER", "DISTRIBUTE", "LIMIT"),
        *("OFFSET", "UNION", "EXCEPT", "MINUS", "INTERSECT", "VIEW"),
    )
)
"""The words that end a FROM clause; VIEW is that of LATERAL VIEW, whose commas are between columns."""


@dataclass(kw_only=True)
class Level:
    """What is known of the statement inside of one pair of brackets."""

    is_query: bool
    in_from: bool = False
    expects: bool = False
    """Whether a table comes next."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A name, with where it stands."""

    name: tuple[str, ...]
    start: int
    end: int


def qualify_names(sql: str, qualify: Callable[[tuple[str, ...]], str | None]) -> str:
    """Write the names of the tables in a query as `qualify` gives them; those for which it gives None stay."""
    pieces = tokens(sql)
    own = set(_own_names(pieces))
    text = sql
    for found in reversed(list(_names(pieces))):
        if len(found.name) == 1 and found.name[0].lower() in own:
            continue
        if (full := qualify(found.name)) is not None:
            text = text[: found.start] + full + text[found.end :]
    return text


def _own_names(pieces: Sequence[Token]) -> Iterator[str]:
    """What WITH defines: `name AS (` and `name (columns) AS (`."""
    for index in range(1, len(pieces) - 1):
        if pieces[index].text.upper() == "AS" and pieces[index + 1].text == "(":
            before = index - 1
            if pieces[before].text == ")":
                before = next((at for at in range(before, 0, -1) if pieces[at].text == "("), 1) - 1
            yield pieces[before].text.strip("`").lower()


def _names(pieces: Sequence[Token]) -> Iterator[Found]:
    levels = [Level(is_query=True)]
    index = 0
    while index < len(pieces):
        token, level = pieces[index], levels[-1]
        is_word = token.kind == "word" and (index == 0 or pieces[index - 1].text != ".")
        word = token.text.upper() if is_word else ""
        if token.text == "(":
            levels.append(_opened(level, pieces[index + 1 : index + 2]))
        elif token.text == ")" and len(levels) > 1:
            levels.pop()
        elif word == "FROM" and level.is_query and not _compares(pieces, index):
            level.in_from = level.expects = True
        elif level.in_from and (word == "JOIN" or token.text == ","):
            level.expects = True
        elif word in AFTER_FROM:
            level.in_from = level.expects = False
        elif level.expects and word != "LATERAL":
            level.expects = False
            if name := Cursor(pieces[index:]).name():
                last = index + 2 * len(name) - 2
                is_function = last + 1 < len(pieces) and pieces[last + 1].text == "("
                if not is_function:
                    yield Found(name=name, start=token.start, end=pieces[last].end)
                index = last
        index += 1


def _opened(outer: Level, following: Sequence[Token]) -> Level:
    is_query = any(token.kind == "word" and token.text.upper() in QUERY for token in following)
    # FROM (a JOIN b): a bracket where a table is expected, and that is no query, has tables in it
    has_tables = outer.expects and not is_query
    outer.expects = False
    return Level(is_query=is_query, in_from=has_tables, expects=has_tables)


def _compares(pieces: Sequence[Token], index: int) -> bool:
    """Whether a FROM is that of IS [NOT] DISTINCT FROM."""
    before = [token.text.upper() for token in pieces[max(index - 3, 0) : index]]
    return before[-2:] == ["IS", "DISTINCT"] or before == ["IS", "NOT", "DISTINCT"]
