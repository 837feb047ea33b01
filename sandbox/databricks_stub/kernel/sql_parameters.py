"""Parameters of a statement as literals in place of its markers; quoted, so that a value is never SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.databricks_stub.kernel.sql_text import markers
from sandbox.databricks_stub.kernel.sql_text.quoting import sql_string


class UnboundParameter(Exception):
    """A statement has more markers, or fewer, than there are values."""


def with_parameters(statement: str, parameters: Sequence[Mapping[str, Any]]) -> str:
    """The statement with literals in place of its markers; those without a `name` belong to the `?`, in their order.

    Raises UnboundParameter when the number of `?` is another than that of their values.
    """
    named = {item["name"]: _literal(item) for item in parameters if item.get("name")}
    unnamed = [_literal(item) for item in parameters if not item.get("name")]
    text = markers.bound(statement, named)
    if not unnamed:
        return text
    found = markers.unnamed(text)
    if found != len(unnamed):
        raise UnboundParameter(
            f"[UNBOUND_SQL_PARAMETER] The statement has {found} markers `?` and {len(unnamed)} values for them."
        )
    return markers.bound(text, unnamed)


def _literal(item: Mapping[str, Any]) -> str:
    kind = str(item.get("type") or "STRING").upper()
    if "arguments" in item:
        # of an ARRAY its items, of a MAP keys and values in turn
        return f"{kind.partition('<')[0]}({', '.join(_literal(argument) for argument in item['arguments'])})"
    value = item.get("value")
    if value is None:
        return "NULL"
    quoted = sql_string(str(value))
    return quoted if kind == "STRING" else f"CAST({quoted} AS {kind})"
