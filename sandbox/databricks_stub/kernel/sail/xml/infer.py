"""The schema of XML rows, inferred as Spark does: the narrowest type that all values of a field have.

Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sandbox.databricks_stub.kernel.sail.xml.options import XmlOptions
from sandbox.databricks_stub.kernel.sail.xml.rows import Repeated

LONG = re.compile(r"[+-]?\d{1,18}")
DOUBLE = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[dDfF]?|[+-]?Infinity|NaN")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?")
WIDER = {
    frozenset({"bigint", "double"}): "double",
    frozenset({"date", "timestamp"}): "timestamp",
}


@dataclass(kw_only=True)
class Inferred:
    """What is known of a field; `scalar` is "" as long as only nothing has been seen."""

    scalar: str = ""
    fields: dict[str, Inferred] = field(default_factory=dict)
    is_array: bool = False


def infer(rows: Iterable[dict[str, Any]], options: XmlOptions, *, into: Inferred | None = None) -> Inferred:
    """Widen `into` by what the rows have."""
    found = into or Inferred()
    for row in rows:
        for name, value in row.items():
            _widen(found.fields.setdefault(name, Inferred()), value, options)
    return found


def ddl(found: Inferred, options: XmlOptions) -> str:
    """The fields as Spark's DDL, in the order of their names."""
    return ", ".join(f"{_quoted(name)} {_type(item, options)}" for name, item in sorted(found.fields.items()))


def scalar_type(text: str, options: XmlOptions) -> str:
    """The narrowest type of a text; "" for nothing."""
    text = text.strip() if options.trim else text
    if text == options.null_value or (options.empty_is_null and not text):
        return ""
    if not options.infer_types:
        return "string"
    if LONG.fullmatch(text):
        return "bigint"
    if DOUBLE.fullmatch(text):
        return "double"
    if text.lower() in ("true", "false"):
        return "boolean"
    if DATE.fullmatch(text):
        return "date"
    return "timestamp" if TIMESTAMP.fullmatch(text) else "string"


def _widen(found: Inferred, value: Any, options: XmlOptions) -> None:
    if isinstance(value, Repeated):
        found.is_array = True
        for item in value:
            _widen(found, item, options)
    elif isinstance(value, dict):
        if found.scalar:
            _widen(found.fields.setdefault(options.value_tag, Inferred(scalar=found.scalar)), "", options)
            found.scalar = ""
        infer([value], options, into=found)
    elif found.fields:
        _widen(found.fields.setdefault(options.value_tag, Inferred()), value, options)
    elif found.scalar != "string":
        found.scalar = _wider(found.scalar, scalar_type(value, options))


def _wider(one: str, other: str) -> str:
    if one == other or not other:
        return one
    return other if not one else WIDER.get(frozenset({one, other}), "string")


def _type(found: Inferred, options: XmlOptions) -> str:
    if found.fields:
        inner = ", ".join(f"{_quoted(name)}: {_type(item, options)}" for name, item in sorted(found.fields.items()))
        kind = f"struct<{inner}>"
    else:
        kind = found.scalar or "string"
    return f"array<{kind}>" if found.is_array else kind


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
