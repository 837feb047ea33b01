"""Column expressions as SQL text, for what is SQL in the end: MERGE, UPDATE and DELETE."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable
from typing import Any

from sandbox.databricks_stub.kernel.sql_text.quoting import sql_string

INFIX = {
    "==": "=",
    "=": "=",
    "!=": "<>",
    "<=>": "<=>",
    **{sign: sign for sign in (">", "<", ">=", "<=", "+", "-", "*", "/", "%", "&", "|", "^")},
    "and": "AND",
    "or": "OR",
    "like": "LIKE",
    "ilike": "ILIKE",
    "rlike": "RLIKE",
}
# two minus signs would begin a comment
PREFIX = {"not": "NOT ", "!": "NOT ", "negative": "- ", "~": "~"}


def sql(value: Any) -> str:
    """The SQL of a string (which is SQL already), a Column or an expression."""
    if isinstance(value, str):
        return value
    expression = getattr(value, "_expr", None)
    return render(value if expression is None or isinstance(expression, str) else expression)


def identifier(name: str) -> str:
    """A dotted name with each part in backticks; parts that have them keep them."""
    if "`" in name:
        return name
    return ".".join(f"`{part}`" for part in name.split("."))


def render(expression: Any) -> str:
    """The SQL of an expression object; raises NotImplementedError for kinds that have none here."""
    kind = type(expression).__name__
    if kind not in RENDERERS:
        raise NotImplementedError(
            f"a {kind} cannot be written as SQL here; write this condition or value as a SQL string instead"
        )
    return RENDERERS[kind](expression)


def _function(found: Any) -> str:
    name, arguments = str(found._name), [render(item) for item in found._args]  # noqa: SLF001
    lower = name.lower()
    if lower in INFIX and len(arguments) == 2:
        return f"({arguments[0]} {INFIX[lower]} {arguments[1]})"
    if lower in PREFIX and len(arguments) == 1:
        return f"({PREFIX[lower]}{arguments[0]})"
    if lower in ("isnull", "isnotnull"):
        return f"({arguments[0]} IS {'NOT ' if lower == 'isnotnull' else ''}NULL)"
    if lower == "in":
        return f"({arguments[0]} IN ({', '.join(arguments[1:])}))"
    distinct = "DISTINCT " if getattr(found, "_is_distinct", False) else ""
    return f"{name}({distinct}{', '.join(arguments)})"


def _literal(found: Any) -> str:
    value, kind = found._value, type(found._dataType).__name__  # noqa: SLF001
    if value is None:
        return "NULL"
    match kind:
        case "StringType":
            return sql_string(str(value))
        case "BooleanType":
            return "true" if value else "false"
        case "DateType":
            return f"DATE '{datetime.date(1970, 1, 1) + datetime.timedelta(days=int(value))}'"
        case "TimestampType" | "TimestampNTZType":
            moment = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(microseconds=int(value))
            if kind == "TimestampType":
                return f"TIMESTAMP '{moment.isoformat(sep=' ')}'"
            return f"TIMESTAMP_NTZ '{moment.replace(tzinfo=None).isoformat(sep=' ')}'"
        case "BinaryType":
            return f"X'{bytes(value).hex()}'"
        case "DecimalType":
            return _decimal(value)
        case "FloatType" | "DoubleType" | "LongType" | "ShortType" | "ByteType":
            return f"CAST('{value}' AS {found._dataType.simpleString()})"  # noqa: SLF001
        case "IntegerType":
            return str(value)
        case "ArrayType":
            items = ", ".join(_plain(item) for item in value)
            return f"array({items})"
        case _:
            raise NotImplementedError(f"a literal of {kind} cannot be written as SQL here; write a SQL string instead")


def _decimal(value: decimal.Decimal) -> str:
    # Measured 2026-11, PySpark 4.2.0: lit() calls each of them decimal(10,0), which would round
    if not value.is_finite():
        raise NotImplementedError(f"the decimal {value} cannot be written as SQL")
    _, digits, exponent = value.as_tuple()
    scale = max(0, -int(exponent))
    precision = max(len(digits) + max(0, int(exponent)), scale)
    return f"CAST('{value:f}' AS decimal({precision},{scale}))"


def _plain(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else sql_string(str(value))


def _cast(found: Any) -> str:
    kind = found._data_type  # noqa: SLF001
    name = kind if isinstance(kind, str) else kind.simpleString()
    word = "TRY_CAST" if "try" in str(getattr(found, "_eval_mode", "") or "").lower() else "CAST"
    return f"{word}({render(found._expr)} AS {name})"  # noqa: SLF001


def _case(found: Any) -> str:
    branches = "".join(f" WHEN {render(when)} THEN {render(then)}" for when, then in found._branches)  # noqa: SLF001
    other = found._else_value  # noqa: SLF001
    return f"CASE{branches}{f' ELSE {render(other)}' if other is not None else ''} END"


RENDERERS: dict[str, Callable[[Any], str]] = {
    "ColumnReference": lambda found: identifier(found._unparsed_identifier),  # noqa: SLF001
    "LiteralExpression": _literal,
    "SQLExpression": lambda found: f"({found._expr})",  # noqa: SLF001
    "ColumnAlias": lambda found: render(found._child),  # noqa: SLF001
    "UnresolvedFunction": _function,
    "CallFunction": _function,
    "CastExpression": _cast,
    "CaseWhen": _case,
    "UnresolvedExtractValue": lambda found: f"{render(found._child)}[{render(found._extraction)}]",  # noqa: SLF001
}
"""By the name of the expression's class, so that this can be tested without PySpark."""
