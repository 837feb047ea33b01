"""Recognises the SQL statements that change the catalog or that Sail cannot parse; everything else is left alone.

Not a parser: it looks at the first words and at names, which is enough to know what a statement does. Standard
library only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|/\*.*?\*/)
  | (?P<quoted>`(?:[^`]|``)*`)
  | (?P<string>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")
  | (?P<word>[^\W\d]\w*|\d\w*)
  | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)


class Verb(StrEnum):
    """What a statement does, as far as anybody here cares."""

    CREATE_TABLE = "create table"
    CREATE_VIEW = "create view"
    CREATE_SCHEMA = "create schema"
    DROP_TABLE = "drop table"
    DROP_VIEW = "drop view"
    DROP_SCHEMA = "drop schema"
    RENAME_TABLE = "rename table"
    ALTER_TABLE = "alter table"
    TRUNCATE = "truncate table"
    USE = "use"
    HISTORY = "describe history"
    DETAIL = "describe detail"
    OPTIMIZE = "optimize"
    VACUUM = "vacuum"
    RESTORE = "restore"
    INSERT = "insert"
    MERGE = "merge"
    CHANGE = "update or delete"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Token:
    """A piece of SQL with where it stands."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A recognised statement."""

    verb: Verb
    name: tuple[str, ...] = ()
    rest: str = ""
    """What follows the name."""
    words: frozenset[str] = frozenset()
    """The bare words of it, in upper case; strings, comments and quoted names are not among them."""


class Cursor:
    """Walks over the tokens of a statement."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def take(self, *words: str) -> bool:
        """Step over these words, if all of them come next."""
        found = self._tokens[self._at : self._at + len(words)]
        if len(found) < len(words) or any(
            token.kind != "word" or token.text.upper() != word for token, word in zip(found, words, strict=True)
        ):
            return False
        self._at += len(words)
        return True

    def name(self) -> tuple[str, ...]:
        """Step over a name of one or several levels; empty when none comes next."""
        parts: list[str] = []
        while self._at < len(self._tokens) and self._tokens[self._at].kind in ("word", "quoted"):
            token = self._tokens[self._at]
            parts.append(token.text[1:-1].replace("``", "`") if token.kind == "quoted" else token.text)
            self._at += 1
            if self._at < len(self._tokens) and self._tokens[self._at].text == ".":
                self._at += 1
            else:
                break
        return tuple(parts)

    def rest_start(self) -> int | None:
        """Where the next token starts."""
        return self._tokens[self._at].start if self._at < len(self._tokens) else None


def tokens(sql: str) -> list[Token]:
    """The tokens of a statement without space, comments and closing semicolons."""
    found = [
        Token(kind=match.lastgroup or "", text=match[0], start=match.start(), end=match.end())
        for match in TOKEN.finditer(sql)
        if match.lastgroup != "space"
    ]
    while found and found[-1].text == ";":
        found.pop()
    return found


def recognise(sql: str) -> Statement:
    """Recognise one statement."""
    pieces = tokens(sql)
    cursor = Cursor(pieces)
    verb = _verb(cursor)
    words = frozenset(token.text.upper() for token in pieces if token.kind == "word")
    if verb is Verb.OTHER:
        return Statement(verb=verb, words=words)
    cursor.take("IF", "NOT", "EXISTS") or cursor.take("IF", "EXISTS")
    name = cursor.name()
    start = cursor.rest_start()
    rest = sql[start : pieces[-1].end] if start is not None else ""
    if verb is Verb.ALTER_TABLE and cursor.take("RENAME", "TO"):
        verb = Verb.RENAME_TABLE
        start = cursor.rest_start()
        rest = sql[start : pieces[-1].end] if start is not None else ""
    return Statement(verb=verb, name=name, rest=rest, words=words)


def name_parts(text: str) -> tuple[str, ...]:
    """The levels of a name such as projects.`default`.t."""
    return Cursor(tokens(text)).name()


def _verb(cursor: Cursor) -> Verb:
    if cursor.take("CREATE"):
        return _create(cursor)
    if cursor.take("REPLACE", "TABLE"):
        return Verb.CREATE_TABLE
    if cursor.take("DROP"):
        return _object(cursor, table=Verb.DROP_TABLE, view=Verb.DROP_VIEW, schema=Verb.DROP_SCHEMA)
    if cursor.take("ALTER", "TABLE"):
        return Verb.ALTER_TABLE
    if cursor.take("TRUNCATE", "TABLE"):
        return Verb.TRUNCATE
    if cursor.take("USE"):
        return Verb.OTHER if cursor.take("CATALOG") else _use(cursor)
    if cursor.take("DESCRIBE") or cursor.take("DESC"):
        return Verb.HISTORY if cursor.take("HISTORY") else Verb.DETAIL if cursor.take("DETAIL") else Verb.OTHER
    if cursor.take("RESTORE"):
        cursor.take("TABLE")
        return Verb.RESTORE
    for word, verb in (("OPTIMIZE", Verb.OPTIMIZE), ("VACUUM", Verb.VACUUM)):
        if cursor.take(word):
            return verb
    if cursor.take("INSERT", "INTO") or cursor.take("INSERT", "OVERWRITE"):
        cursor.take("TABLE")
        return Verb.INSERT
    if cursor.take("MERGE", "INTO") or cursor.take("MERGE", "WITH", "SCHEMA", "EVOLUTION", "INTO"):
        return Verb.MERGE
    if cursor.take("UPDATE") or cursor.take("DELETE", "FROM"):
        return Verb.CHANGE
    return Verb.OTHER


def _use(cursor: Cursor) -> Verb:
    cursor.take("SCHEMA") or cursor.take("DATABASE") or cursor.take("NAMESPACE")
    return Verb.USE


def _create(cursor: Cursor) -> Verb:
    cursor.take("OR", "REPLACE")
    if cursor.take("TEMPORARY") or cursor.take("TEMP") or cursor.take("GLOBAL"):
        return Verb.OTHER
    cursor.take("EXTERNAL")
    return _object(cursor, table=Verb.CREATE_TABLE, view=Verb.CREATE_VIEW, schema=Verb.CREATE_SCHEMA)


def _object(cursor: Cursor, *, table: Verb, view: Verb, schema: Verb) -> Verb:
    if cursor.take("TABLE"):
        return table
    if cursor.take("VIEW"):
        return view
    if cursor.take("SCHEMA") or cursor.take("DATABASE"):
        return schema
    return Verb.OTHER


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
        elif word == "PATH" and not location and depth == 1:
            location = next((item.text[1:-1] for item in pieces[index + 1 : index + 3] if item.kind == "string"), "")
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


def qualify_names(sql: str, qualify: Callable[[tuple[str, ...]], str | None]) -> str:
    """Write the names after FROM and JOIN as `qualify` gives them; those for which it gives None stay."""
    pieces = tokens(sql)
    own = {
        one.text.strip("`").lower()
        for one, other, bracket in zip(pieces, pieces[1:], pieces[2:], strict=False)
        if other.text.upper() == "AS" and bracket.text == "("
    }
    found = sql
    for index in range(len(pieces) - 2, -1, -1):
        if pieces[index].kind != "word" or pieces[index].text.upper() not in ("FROM", "JOIN"):
            continue
        name = Cursor(pieces[index + 1 :]).name()
        last = index + 2 * len(name) - 1
        is_function = last + 1 < len(pieces) and pieces[last + 1].text == "("
        if not name or is_function or (len(name) == 1 and name[0].lower() in own):
            continue
        if (full := qualify(name)) is not None:
            found = found[: pieces[index + 1].start] + full + found[pieces[last].end :]
    return found


def replace_paths(sql: str, resolve: Callable[[str], str]) -> str:
    """Resolve the paths in LOCATION '…', OPTIONS (path '…') and csv.`…`; other strings are data."""
    pieces = tokens(sql)
    found = sql
    for index in range(len(pieces) - 1, 0, -1):
        token, before = pieces[index], pieces[index - 1]
        is_location = (
            token.kind == "string"
            and before.text.upper() in ("LOCATION", "PATH", "=")
            and (before.text != "=" or pieces[index - 2].text.upper() == "PATH")
        )
        is_file = token.kind == "quoted" and before.text == "." and "/" in token.text
        if is_location or is_file:
            quote = token.text[0]
            found = found[: token.start] + quote + resolve(token.text[1:-1]) + quote + found[token.end :]
    return found
