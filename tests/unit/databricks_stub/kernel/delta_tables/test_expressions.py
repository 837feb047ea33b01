"""Columns as SQL, with stand-ins for PySpark's classes of the same names."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from sandbox.databricks_stub.kernel.delta_tables.expressions import identifier, render, sql
from sandbox.databricks_stub.kernel.delta_tables.merge import DeltaMergeBuilder


def expression(kind: str, **values: Any) -> Any:
    """An expression object of a class of that name."""
    return type(kind, (), {f"_{key}": value for key, value in values.items()})()


def column(name: str) -> Any:
    """A column."""
    return expression("ColumnReference", unparsed_identifier=name)


def literal(value: Any, kind: str) -> Any:
    """A literal; the type can say its name as Spark does."""
    data_type = type(kind, (), {"simpleString": lambda self: kind.removesuffix("Type").lower()})()
    return expression("LiteralExpression", value=value, dataType=data_type)


def call(name: str, *arguments: Any) -> Any:
    """A function of arguments."""
    return expression("UnresolvedFunction", name=name, args=list(arguments), is_distinct=False)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (column("t.Id"), "`t`.`Id`"),
        (literal("it's \\", "StringType"), r"'it\'s \\'"),
        (literal(None, "NullType"), "NULL"),
        (literal(True, "BooleanType"), "true"),
        (literal(5, "IntegerType"), "5"),
        (call("==", column("a"), call("negative", literal(-5, "IntegerType"))), "(`a` = (- -5))"),
        (literal(5, "LongType"), "CAST('5' AS long)"),
        (literal(Decimal("1.50"), "DecimalType"), "CAST('1.50' AS decimal(3,2))"),
        (literal(Decimal("-0.001"), "DecimalType"), "CAST('-0.001' AS decimal(3,3))"),
        (literal(Decimal("12E3"), "DecimalType"), "CAST('12000' AS decimal(5,0))"),
        (literal(0, "DateType"), "DATE '1970-01-01'"),
        (literal(1_000_000, "TimestampType"), "TIMESTAMP '1970-01-01 00:00:01+00:00'"),
        (call("==", column("a"), column("b")), "(`a` = `b`)"),
        (call("and", call("isNotNull", column("a")), call("not", column("b"))), "((`a` IS NOT NULL) AND (NOT `b`))"),
        (call("in", column("a"), literal(1, "IntegerType"), literal(2, "IntegerType")), "(`a` IN (1, 2))"),
        (call("concat", column("a"), literal("x", "StringType")), "concat(`a`, 'x')"),
        (expression("SQLExpression", expr="a or b"), "(a or b)"),
        (expression("CastExpression", expr=column("a"), data_type="date", eval_mode=None), "CAST(`a` AS date)"),
        (
            expression("CaseWhen", branches=[(column("a"), column("b"))], else_value=column("c")),
            "CASE WHEN `a` THEN `b` ELSE `c` END",
        ),
    ],
)
def test_expressions_are_written_as_sql(found: Any, text: str) -> None:
    """Columns, literals, operators and functions have their SQL."""
    assert render(found) == text


def test_what_has_no_sql_is_refused() -> None:
    """An expression of another kind is an error that says what to write instead."""
    with pytest.raises(NotImplementedError, match=r"WindowExpression.*SQL string"):
        sql(expression("WindowExpression"))


def test_strings_are_sql_already() -> None:
    """A string is taken as it is; names are quoted part by part."""
    assert sql("a = 1") == "a = 1"
    assert (identifier("t.a"), identifier("`a.b`")) == ("`t`.`a`", "`a.b`")


def test_a_merge_is_rendered_clause_by_clause() -> None:
    """The builder's clauses come in order, each builder leaves the last as it was."""
    start = DeltaMergeBuilder(spark=None, target="`t` AS x", source=object(), condition="x.a = s.a")

    found = (
        start.whenMatchedUpdate("s.b > 1", {"b": "s.b"})
        .whenMatchedDelete()
        .whenNotMatchedInsert(values={"x.a": "s.a", "b": column("s.b")})
        .whenNotMatchedBySourceDelete("x.old")
    )

    assert found.statement("v") == (
        "MERGE INTO `t` AS x USING v ON x.a = s.a WHEN MATCHED AND (s.b > 1) THEN UPDATE SET `b` = s.b "
        "WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (`a`, `b`) VALUES (s.a, `s`.`b`) "
        "WHEN NOT MATCHED BY SOURCE AND (x.old) THEN DELETE"
    )
    with pytest.raises(ValueError, match="at least one"):
        start.statement("v")
