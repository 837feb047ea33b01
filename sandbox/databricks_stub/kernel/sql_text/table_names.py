"""Finds the names of tables and views in statements: in a query, what stands after FROM, JOIN and commas between them.

Not a parser: it follows brackets and the words that open and close a FROM clause. Standard library only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sandbox.databricks_stub.kernel.sql_text.clauses import merge_source
from sandbox.databricks_stub.kernel.sql_text.statements import Cursor, Token, Verb, recognise, tokens

SCHEMAS = frozenset({Verb.USE, Verb.CREATE_SCHEMA, Verb.DROP_SCHEMA, Verb.SHOW_TABLES})
"""The statements that name a schema, not a table."""
NO_NAMES = frozenset({Verb.SET, Verb.HINT, Verb.NOTE})
"""Those whose names nobody looks up."""
NOT_NAMES = frozenset({"IDENTIFIER", "DIRECTORY", "LOCAL"})
"""What may stand in the place of a name: IDENTIFIER(…), and INSERT OVERWRITE [LOCAL] DIRECTORY '…'."""

QUERY = frozenset({"SELECT", "WITH", "FROM", "VALUES", "TABLE"})
"""How a bracket begins that has a query in it, not the arguments of a function."""
AFTER_FROM = frozenset(
    (
        *("SELECT", "WHERE", "GROUP", "HAVING", "QUALIFY", "WINDOW", "ORDER", "SORT", "CLUSTER", "DISTRIBUTE", "LIMIT"),
        *("OFFSET", "UNION", "EXCEPT", "MINUS", "INTERSECT", "VIEW"),
    )
)
"""The words that end a FROM clause; VIEW is that of LATERAL VIEW, whose commas are between columns."""
AFTER_TABLE = AFTER_FROM | {
    *("ON", "USING", "JOIN", "INNER", "CROSS", "LEFT", "RIGHT", "FULL", "OUTER", "SEMI", "ANTI", "NATURAL", "LATERAL"),
    *("TABLESAMPLE", "PIVOT", "UNPIVOT", "VERSION", "TIMESTAMP", "FOR"),
}
"""The words after a table that are no alias of it."""


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


Edit: TypeAlias = tuple[int, int, str]
"""From where to where, and what is to stand there."""
Rename: TypeAlias = Callable[[tuple[str, ...]], str | None]
"""Gives a name as it is to be written; None for one that stays."""


def qualify_names(sql: str, qualify: Rename) -> str:
    """Write the names of the tables in a query as `qualify` gives them."""
    pieces = tokens(sql)
    own = dict(_own_names(pieces))
    names = [found for found in _names(pieces) if not _is_own(found, own)]
    return _with_stars(_edited(sql, _edits(names, qualify)))


def respell_names(sql: str, *, table: Rename, schema: Rename) -> str:
    """Write all names of tables, views and schemas in a statement as the two functions give them.

    What WITH defines is written as it is there.
    """
    statement = recognise(sql)
    if statement.verb in NO_NAMES:
        return sql
    start, end = statement.place
    is_name = bool(statement.name) and statement.name[0].upper() not in NOT_NAMES
    head = [Found(name=statement.name, start=start, end=end)] if is_name else []
    if statement.verb in SCHEMAS:
        return _edited(sql, _edits(head, schema))
    if statement.verb is Verb.MERGE and (source := merge_source(sql)) and source.name:
        head.append(Found(name=source.name, start=source.start, end=source.end))
    pieces = tokens(sql)
    own = dict(_own_names(pieces))
    found = list(_names(pieces))
    edits = _edits([item for item in (*head, *found) if not _is_own(item, own)], table)
    edits += [(item.start, item.end, own[item.name[0].lower()]) for item in found if _is_own(item, own)]
    return _with_stars(_edited(sql, edits))


def _is_own(found: Found, own: Mapping[str, str]) -> bool:
    return len(found.name) == 1 and found.name[0].lower() in own


def _edits(names: Iterable[Found], rename: Rename) -> list[Edit]:
    return [(item.start, item.end, new) for item in names if (new := rename(item.name)) is not None]


def _edited(sql: str, edits: Iterable[Edit]) -> str:
    for start, end, new in sorted(set(edits), reverse=True):
        sql = sql[:start] + new + sql[end:]
    return sql


def _with_stars(sql: str) -> str:
    """Write the names before `.*` as the tables, or their aliases, are written.

    Measured 2026-11, pysail 0.7.2: `t.*` of a table that is `default.t` or `T` in the FROM clause has no columns.
    """
    pieces = tokens(sql)
    called: dict[str, set[str]] = {}
    for key, text in _called(sql, pieces):
        called.setdefault(key, set()).add(text)
    edits: list[Edit] = []
    for index in range(len(pieces) - 2):
        name, is_first = pieces[index], index == 0 or pieces[index - 1].text != "."
        if is_first and (pieces[index + 1].text, pieces[index + 2].text) == (".", "*"):
            texts = called.get(name.text.strip("`").lower(), set())
            # two tables of one name in two schemas: which one is meant, only a parser could tell
            if len(texts) == 1 and name.text not in texts:
                edits.append((name.start, name.end, min(texts)))
    return _edited(sql, edits)


def _called(sql: str, pieces: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """What tables and queries in brackets are called: in lower case, and as it is written."""
    names = {found.end: found for found in _names(pieces)}
    for index, token in enumerate(pieces):
        found = names.get(token.end)
        if found is None and token.text != ")":
            continue
        alias = next((item for item in pieces[index + 1 : index + 3] if item.text.upper() != "AS"), None)
        if alias and alias.kind in ("word", "quoted") and alias.text.upper() not in AFTER_TABLE:
            yield alias.text.strip("`").lower(), alias.text
        elif found:
            yield found.name[-1].lower(), sql[found.start : found.end]


def _own_names(pieces: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """What WITH defines, `name AS (` and `name (columns) AS (`: in lower case, and as it is written."""
    for index in range(1, len(pieces) - 1):
        if pieces[index].text.upper() == "AS" and pieces[index + 1].text == "(":
            before = index - 1
            if pieces[before].text == ")":
                before = next((at for at in range(before, 0, -1) if pieces[at].text == "("), 1) - 1
            yield pieces[before].text.strip("`").lower(), pieces[before].text


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
