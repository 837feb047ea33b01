"""Parameters become literals, values become JSON, types get the names of the API."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import pytest

from sandbox.databricks_stub.kernel.sql_parameters import UnboundParameter, with_parameters
from sandbox.databricks_stub.kernel.sql_session import execute, plain


@pytest.mark.parametrize(
    ("parameter", "literal"),
    [
        ({"name": "p", "value": "x' OR '1'='1"}, r"'x\' OR \'1\'=\'1'"),
        ({"name": "p", "value": "a\\"}, r"'a\\'"),
        ({"name": "p", "value": None}, "NULL"),
        ({"name": "p"}, "NULL"),
        ({"name": "p", "value": "1", "type": "INT"}, "CAST('1' AS INT)"),
    ],
)
def test_a_parameter_is_a_literal(parameter: dict[str, Any], literal: str) -> None:
    assert with_parameters("SELECT :p, ':p', `:p`, :pq", [parameter]) == f"SELECT {literal}, ':p', `:p`, :pq"


def test_only_markers_are_parameters() -> None:
    select = "SELECT ts::date, payload:date -- don't\nFROM t WHERE d = "
    assert with_parameters(f"{select}:date", [{"name": "date", "value": "1"}]) == f"{select}'1'"


def test_markers_without_names_take_the_values_in_their_order() -> None:
    """Those in strings and comments are none; named ones stand beside them; `::` is a cast."""
    given = [{"value": "1", "type": "INT"}, {"value": "b"}, {"name": "int", "value": "x"}]

    found = with_parameters("SELECT ?, '?' -- what?\n, /* ? */ ?, a::int, :int", given)

    assert found == "SELECT CAST('1' AS INT), '?' -- what?\n, /* ? */ 'b', a::int, 'x'"


@pytest.mark.parametrize("statement", ["SELECT ?", "SELECT ?, ?, ?"])
def test_as_many_values_as_markers(statement: str) -> None:
    """Too few and too many are refused, as Spark refuses them."""
    with pytest.raises(UnboundParameter, match="UNBOUND_SQL_PARAMETER"):
        with_parameters(statement, [{"value": "1"}, {"value": "2"}])


def test_arrays_and_maps_are_made_of_their_arguments() -> None:
    """A map's are keys and values in turn."""
    items = [{"type": "STRING", "value": "a'b"}, {"type": "INT", "value": "1"}]

    found = with_parameters(
        "SELECT :a, :m",
        [{"name": "a", "type": "ARRAY", "arguments": items[1:]}, {"name": "m", "type": "MAP", "arguments": items}],
    )

    assert found == "SELECT ARRAY(CAST('1' AS INT)), MAP('a\\'b', CAST('1' AS INT))"


@pytest.mark.parametrize(
    ("value", "json_value"),
    [
        (1, 1),
        (True, True),
        (None, None),
        (decimal.Decimal("1.50"), "1.50"),
        (dt.date(2024, 1, 2), "2024-01-02"),
        (b"\x00", "AA=="),
        ([dt.date(2024, 1, 2)], ["2024-01-02"]),
        ({1: decimal.Decimal(1)}, {"1": "1"}),
    ],
)
def test_values_become_json(value: Any, json_value: Any) -> None:
    assert plain(value) == json_value


class FakeType:
    def __init__(self, text: str) -> None:
        self._text = text

    def simpleString(self) -> str:  # noqa: N802 - Spark's name
        return self._text


class FakeField:
    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.dataType = FakeType(text)


class FakeFrame:
    """A result with as many rows as asked for."""

    def __init__(self, *fields: FakeField) -> None:
        self.schema = self
        self.fields = fields
        self._limit: int | None = None

    def limit(self, number: int) -> FakeFrame:
        self._limit = number
        return self

    def collect(self) -> list[tuple[int, ...]]:
        return [(number,) * len(self.fields) for number in range(5)][: self._limit]


class FakeSpark:
    """Remembers what it was asked."""

    def __init__(self, frame: FakeFrame) -> None:
        self.catalog = self
        self.asked: list[str] = []
        self._frame = frame

    def setCurrentCatalog(self, name: str) -> None:  # noqa: N802 - Spark's name
        self.asked.append(name)

    def setCurrentDatabase(self, name: str) -> None:  # noqa: N802 - Spark's name
        self.asked.append(name)

    def sql(self, statement: str) -> FakeFrame:
        self.asked.append(statement)
        return self._frame


def test_a_statement_has_typed_columns_and_limited_rows() -> None:
    spark = FakeSpark(FakeFrame(FakeField("a", "decimal(10,2)"), FakeField("b", "bigint")))
    answer = execute(spark, {"statement": "SELECT :x", "parameters": [], "row_limit": 2})
    assert spark.asked == ["SELECT :x"]
    assert answer == {
        "columns": [
            {"name": "a", "type_text": "DECIMAL(10,2)", "type_name": "DECIMAL"},
            {"name": "b", "type_text": "BIGINT", "type_name": "LONG"},
        ],
        "rows": [[0, 0], [1, 1]],
    }
