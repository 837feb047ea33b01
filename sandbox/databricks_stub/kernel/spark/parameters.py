"""The parameter markers of `spark.sql(…, args=…)`, replaced by literals before the statement is sent.

Measured 2026-11, Spark 4.2.0 with Delta 4.4.0: Delta's SQL parser drops the values, and every statement with args ends
as UNBOUND_SQL_PARAMETER. https://github.com/delta-io/delta/issues/7640
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

PIECE = re.compile(
    r"""
    '(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" | `[^`]*`   # texts and quoted names
    | --[^\n]* | /\*.*?\*/                            # comments
    | ::                                              # a cast
    | (?<![\w\])`]):(?P<name>[A-Za-z_]\w*)            # not the field of a VARIANT, nor that of a struct<a:int>
    | (?P<next>\?)
    """,
    re.VERBOSE | re.DOTALL,
)


def literals(args: Mapping[str, Any] | Sequence[Any]) -> dict[str, str] | list[str]:
    """The SQL of each value; raises what PySpark raises for one that cannot be a literal."""
    from pyspark.sql.connect.functions import lit

    from sandbox.databricks_stub.kernel.delta_tables import expressions

    if isinstance(args, Mapping):
        return {name: expressions.sql(lit(value)) for name, value in args.items()}
    return [expressions.sql(lit(value)) for value in args]


def bound(statement: str, values: Mapping[str, str] | Sequence[str]) -> str:
    """The statement with its markers replaced; one that has no value stays, and Spark names it."""
    named = values if isinstance(values, Mapping) else {}
    remaining = iter(() if isinstance(values, Mapping) else values)

    def replaced(piece: re.Match[str]) -> str:
        if piece["name"]:
            return named.get(piece["name"], piece[0])
        return next(remaining, piece[0]) if piece["next"] else piece[0]

    return PIECE.sub(replaced, statement)
