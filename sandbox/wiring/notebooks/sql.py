"""Which tables a SQL text reads and writes, by sqlglot's parser for Databricks."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlglot import exp

HOLE_WORD = "__hole__"
NO_DATA = ("Describe", "Drop", "Refresh", "Alter", "Analyze", "Use", "Command", "Set", "Uncache", "Comment", "Grant")
"""Statements that name tables without reading or writing their rows."""
FILE_FORMATS = frozenset({"avro", "binaryfile", "csv", "delta", "json", "orc", "parquet", "text", "xml"})

Name = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SqlFacts:
    """What a text of one or more statements does. A name's parts are as written, without quotes."""

    reads: tuple[Name, ...] = ()
    writes: tuple[Name, ...] = ()
    temp_views: tuple[str, ...] = ()
    uses: tuple[tuple[str, Name], ...] = ()
    """`("CATALOG"|"SCHEMA"|"", name)` of each USE."""
    parameters: tuple[str, ...] = ()
    """Names of `:name` markers."""
    volumes: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> SqlFacts:
        """The opposite of dataclasses.asdict, after a way through JSON."""
        return cls(
            reads=tuple(map(tuple, facts["reads"])),
            writes=tuple(map(tuple, facts["writes"])),
            temp_views=tuple(facts["temp_views"]),
            uses=tuple((kind, tuple(name)) for kind, name in facts["uses"]),
            parameters=tuple(facts["parameters"]),
            volumes=tuple(facts["volumes"]),
        )


@functools.cache
def _sqlglot() -> Any:
    import sqlglot

    # it says when it does not know a statement's details; those statements are no business of ours
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    return sqlglot


def sql_facts(text: str) -> SqlFacts:
    """Parse a text; one that the parser does not understand is searched for what follows FROM, JOIN and INTO."""
    sqlglot = _sqlglot()
    found: dict[str, dict[Any, None]] = {name: {} for name in SqlFacts.__dataclass_fields__}
    try:
        statements = [statement for statement in sqlglot.parse(text, read="databricks") if statement is not None]
    except sqlglot.errors.SqlglotError:
        statements = []
        for kind, name in _by_tokens(text):
            found[kind][name] = None
    for statement in statements:
        _statement(statement, found)
    return SqlFacts(**{name: tuple(values) for name, values in found.items()})


def _statement(statement: exp.Expression, found: dict[str, dict[Any, None]]) -> None:
    from sqlglot import exp

    for marker in statement.find_all(exp.Placeholder):
        if marker.name:
            found["parameters"][marker.name] = None
    for literal in statement.find_all(exp.Literal, exp.Identifier):
        if str(literal.this).startswith(("/Volumes/", "dbfs:/Volumes/")):
            found["volumes"][str(literal.this)] = None
    if isinstance(statement, exp.Use):
        kind = str(statement.args.get("kind") or "").upper().replace("DATABASE", "SCHEMA")
        found["uses"][kind, _name(statement.this)] = None
        return
    if type(statement).__name__ in NO_DATA:
        return
    if isinstance(statement, exp.Create) and str(statement.args.get("kind")).upper() not in ("TABLE", "VIEW"):
        return  # a schema, a volume, a function: what stands for a table there is its name
    target = _target(statement)
    cte_names = {cte.alias.lower() for cte in statement.find_all(exp.CTE)}
    if target is not None and _is_temporary(statement):
        found["temp_views"][target.name] = None
    elif target is not None and (name := _name(target)):
        found["writes"][name] = None
    for table in statement.find_all(exp.Table):
        name = _name(table)
        if table is target or not name or (len(name) == 1 and name[0].lower() in cte_names):
            continue
        found["reads"][name] = None


def _target(statement: exp.Expression) -> exp.Table | None:
    """The table that a statement writes."""
    from sqlglot import exp

    if isinstance(statement, exp.TruncateTable):
        target: Any = next(iter(statement.expressions), None)
    elif isinstance(statement, (exp.Create, exp.Insert, exp.Merge, exp.Delete, exp.Update, exp.Copy)):
        target = statement.this
    else:
        return None
    if isinstance(target, exp.Schema):
        target = target.this
    return target if isinstance(target, exp.Table) else None


def _is_temporary(statement: exp.Expression) -> bool:
    from sqlglot import exp

    return isinstance(statement, exp.Create) and statement.find(exp.TemporaryProperty) is not None


def _name(table: exp.Expression) -> Name:
    """The parts of a table's name; () for what is no table by name (a function, a folder of files)."""
    from sqlglot import exp

    inner = table.this
    if isinstance(inner, exp.Anonymous) and inner.name.upper() == "IDENTIFIER":
        literal = next(iter(inner.expressions), None)
        is_text = isinstance(literal, exp.Literal) and literal.is_string
        return tuple(part.strip("`") for part in literal.name.split(".")) if is_text and literal is not None else ()
    if not isinstance(inner, exp.Identifier):
        return ()
    parts = tuple(part.name for part in table.parts) if isinstance(table, exp.Table) else (inner.name,)
    return () if len(parts) == 2 and parts[0].lower() in FILE_FORMATS else parts


def _by_tokens(text: str) -> Iterator[tuple[str, Name]]:
    """Names after FROM, JOIN and INTO, where the parser has given up: gaps of an f-string can make a text no SQL."""
    sqlglot = _sqlglot()
    try:
        tokens = sqlglot.tokenize(text, read="databricks")
    except sqlglot.errors.SqlglotError:
        return
    words = [(token.token_type.name, token.text) for token in tokens]
    for index, (kind, _) in enumerate(words):
        if kind not in ("FROM", "JOIN", "INTO", "USING"):
            continue
        at = index + 1 + (words[index + 1 : index + 2] == [("TABLE", "TABLE")])
        parts: list[str] = []
        while at < len(words) and words[at][0] in ("VAR", "IDENTIFIER"):
            parts.append(words[at][1])
            if words[at + 1 : at + 2] and words[at + 1][0] == "DOT":
                at += 2
            else:
                break
        is_call = words[at + 1 : at + 2] and words[at + 1][0] == "L_PAREN"
        if parts and not is_call and not (kind == "USING" and len(parts) == 1):
            yield ("writes" if kind == "INTO" else "reads"), tuple(parts)
