"""Recognises the SQL statements that change the catalog or that Sail cannot parse; everything else is left alone.

Not a parser: it looks at the first words and at names, which is enough to know what a statement does. Standard
library only.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

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
    TEMPORARY_VIEW = "create temporary view"
    SHOW_TABLES = "show tables of a schema"
    CREATE_SCHEMA = "create schema"
    DROP_TABLE = "drop table"
    DROP_VIEW = "drop view"
    DROP_SCHEMA = "drop schema"
    RENAME_TABLE = "rename table"
    ALTER_TABLE = "alter table"
    TRUNCATE = "truncate table"
    USE = "use"
    ADD_COLUMNS = "alter table add columns"
    DESCRIBE = "describe"
    SHOW_COLUMNS = "show columns"
    SHOW_PROPERTIES = "show tblproperties"
    SHOW_CREATE = "show create table"
    REFRESH = "refresh table"
    HINT = "cache or analyze table"
    SET = "set"
    NOTE = "grant, or comment on what is no table"
    TABLE_NOTE = "what only describes a table"
    HISTORY = "describe history"
    DETAIL = "describe detail"
    OPTIMIZE = "optimize"
    VACUUM = "vacuum"
    RESTORE = "restore"
    INSERT = "insert"
    MERGE = "merge"
    CHANGE = "update or delete"
    OTHER = "other"


SIMPLE = (
    (("OPTIMIZE",), Verb.OPTIMIZE),
    (("VACUUM",), Verb.VACUUM),
    (("REFRESH", "TABLE"), Verb.REFRESH),
    (("CACHE",), Verb.HINT),
    (("UNCACHE",), Verb.HINT),
    (("CLEAR", "CACHE"), Verb.HINT),
    (("ANALYZE", "TABLE"), Verb.HINT),
    (("SET",), Verb.SET),
    (("COMMENT", "ON", "TABLE"), Verb.TABLE_NOTE),
    (("COMMENT", "ON"), Verb.NOTE),
    (("GRANT",), Verb.NOTE),
    (("REVOKE",), Verb.NOTE),
)
NOTES = (("CLUSTER", "BY"), ("OWNER", "TO"), ("SET", "OWNER", "TO"), ("SET", "TAGS"), ("UNSET", "TAGS"))
KEYS = (("PRIMARY", "KEY"), ("FOREIGN", "KEY"))
NOT_TABLES = ("FUNCTION", "CATALOG", "DATABASE", "SCHEMA", "NAMESPACE", "QUERY", "SELECT", "WITH", "FROM", "VALUES")


class Token(NamedTuple):
    """A piece of SQL with where it stands; a tuple, for an INSERT may have a million of them."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A recognised statement."""

    verb: Verb
    name: tuple[str, ...] = ()
    place: tuple[int, int] = (0, 0)
    """Where the name begins and ends."""
    rest: str = ""
    """What follows the name."""
    words: frozenset[str] = frozenset()
    """The bare words of it, in upper case; strings, comments and quoted names are not among them."""


class Cursor:
    """Walks over the tokens of a statement."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self.at = 0
        """The next token."""

    def follows(self, *words: str) -> bool:
        """Whether these words come next."""
        found = self._tokens[self.at : self.at + len(words)]
        return len(found) == len(words) and all(
            token.kind == "word" and token.text.upper() == word for token, word in zip(found, words, strict=True)
        )

    def take(self, *words: str) -> bool:
        """Step over these words, if all of them come next."""
        if not self.follows(*words):
            return False
        self.at += len(words)
        return True

    def name(self) -> tuple[str, ...]:
        """Step over a name of one or several levels; empty when none comes next."""
        parts: list[str] = []
        while self.at < len(self._tokens) and self._tokens[self.at].kind in ("word", "quoted"):
            token = self._tokens[self.at]
            parts.append(token.text[1:-1].replace("``", "`") if token.kind == "quoted" else token.text)
            self.at += 1
            if self.at < len(self._tokens) and self._tokens[self.at].text == ".":
                self.at += 1
            else:
                break
        return tuple(parts)

    def rest_start(self) -> int | None:
        """Where the next token starts."""
        return self._tokens[self.at].start if self.at < len(self._tokens) else None


def tokens(sql: str) -> list[Token]:
    """The tokens of a statement without space, comments and closing semicolons."""
    return list(_tokens(sql))


@functools.lru_cache(maxsize=1)
def _tokens(sql: str) -> tuple[Token, ...]:
    # one statement is looked at several times before it is executed
    found = [
        Token(match.lastgroup or "", match[0], match.start(), match.end())
        for match in TOKEN.finditer(sql)
        if match.lastgroup != "space"
    ]
    while found and found[-1].text == ";":
        found.pop()
    return tuple(found)


def recognise(sql: str) -> Statement:
    """Recognise one statement."""
    pieces = tokens(sql)
    cursor = Cursor(pieces)
    verb = _verb(cursor)
    words = frozenset(token.text.upper() for token in pieces if token.kind == "word")
    if verb is Verb.OTHER:
        return Statement(verb=verb, words=words)
    cursor.take("IF", "NOT", "EXISTS") or cursor.take("IF", "EXISTS")
    first = cursor.at
    name = cursor.name() if verb is not Verb.SET else ()
    place = (pieces[first].start, pieces[cursor.at - 1].end) if name else (0, 0)
    start = cursor.rest_start()
    rest = sql[start : pieces[-1].end] if start is not None else ""
    renames = verb is Verb.ALTER_TABLE and cursor.take("RENAME", "TO")
    adds = verb is Verb.ALTER_TABLE and (cursor.take("ADD", "COLUMNS") or cursor.take("ADD", "COLUMN"))
    if renames or adds:
        verb = Verb.RENAME_TABLE if renames else Verb.ADD_COLUMNS
        start = cursor.rest_start()
        rest = sql[start : pieces[-1].end] if start is not None else ""
    elif verb is Verb.ALTER_TABLE and _only_describes(cursor):
        verb = Verb.TABLE_NOTE
    return Statement(verb=verb, name=name, place=place, rest=rest, words=words)


def _only_describes(cursor: Cursor) -> bool:
    """Whether an ALTER TABLE changes neither rows nor which rows may come; a CHECK constraint does."""
    if cursor.take("ADD"):
        if cursor.take("CONSTRAINT"):
            cursor.name()
        return any(cursor.follows(*words) for words in KEYS)
    cursor.take("DROP")
    return any(cursor.follows(*words) for words in (*NOTES, *KEYS))


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
        return _describe(cursor)
    if cursor.take("SHOW"):
        return _show(cursor)
    if cursor.take("RESTORE"):
        cursor.take("TABLE")
        return Verb.RESTORE
    for words, verb in SIMPLE:
        if cursor.take(*words):
            return verb
    if cursor.take("INSERT", "INTO") or cursor.take("INSERT", "OVERWRITE"):
        cursor.take("TABLE")
        return Verb.INSERT
    if cursor.take("MERGE", "INTO") or cursor.take("MERGE", "WITH", "SCHEMA", "EVOLUTION", "INTO"):
        return Verb.MERGE
    if cursor.take("UPDATE") or cursor.take("DELETE", "FROM"):
        return Verb.CHANGE
    return Verb.OTHER


def _describe(cursor: Cursor) -> Verb:
    if cursor.take("HISTORY"):
        return Verb.HISTORY
    if cursor.take("DETAIL"):
        return Verb.DETAIL
    if any(cursor.take(word) for word in NOT_TABLES):
        return Verb.OTHER
    cursor.take("TABLE")
    cursor.take("EXTENDED") or cursor.take("FORMATTED")
    return Verb.DESCRIBE


def _show(cursor: Cursor) -> Verb:
    if cursor.take("CREATE", "TABLE"):
        return Verb.SHOW_CREATE
    if cursor.take("TBLPROPERTIES"):
        return Verb.SHOW_PROPERTIES
    if cursor.take("COLUMNS"):
        cursor.take("IN") or cursor.take("FROM")
        return Verb.SHOW_COLUMNS
    if (cursor.take("TABLES") or cursor.take("VIEWS")) and (cursor.take("IN") or cursor.take("FROM")):
        return Verb.SHOW_TABLES
    return Verb.OTHER


def _use(cursor: Cursor) -> Verb:
    cursor.take("SCHEMA") or cursor.take("DATABASE") or cursor.take("NAMESPACE")
    return Verb.USE


def _create(cursor: Cursor) -> Verb:
    cursor.take("OR", "REPLACE")
    cursor.take("GLOBAL")
    if cursor.take("TEMPORARY") or cursor.take("TEMP"):
        return Verb.TEMPORARY_VIEW if cursor.take("VIEW") else Verb.OTHER
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
