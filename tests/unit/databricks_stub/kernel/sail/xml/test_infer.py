"""Inferring the schema of XML."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.databricks_stub.kernel.sail.xml.infer import ddl, infer, scalar_type
from sandbox.databricks_stub.kernel.sail.xml.options import XmlOptions
from sandbox.databricks_stub.kernel.sail.xml.rows import Repeated

OPTIONS = XmlOptions(row_tag="row")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("12", "bigint"),
        ("-7", "bigint"),
        ("1234567890123456789012", "double"),
        ("1.5", "double"),
        ("1e3", "double"),
        ("true", "boolean"),
        ("2008-07-31", "date"),
        ("2008-07-31T21:42:52.667", "timestamp"),
        ("2008-07-31 21:42:52Z", "timestamp"),
        ("C#", "string"),
        ("", "string"),
        ("null", ""),
        (" 5 ", "bigint"),
    ],
)
def test_a_text_has_the_narrowest_type(text: str, kind: str) -> None:
    """Numbers, booleans, dates and moments are told from texts."""
    assert scalar_type(text, OPTIONS) == kind


def test_all_rows_widen_the_type() -> None:
    """A column has the narrowest type that all of its values have, and columns come by name."""
    found = infer([{"b": "1", "a": "2"}, {"b": "1.5", "a": "x", "c": "null"}, {"d": "2008-07-31"}], OPTIONS)
    infer([{"d": "2008-07-31T00:00:00"}], OPTIONS, into=found)

    assert ddl(found, OPTIONS) == "`a` string, `b` double, `c` string, `d` timestamp"


def test_nested_elements_are_structs_and_arrays() -> None:
    """Elements with attributes are structs, also when some have none; several of a name are arrays."""
    rows: list[dict[str, Any]] = [
        {"a": Repeated(["1", "2"])},
        {"a": "3", "s": "text"},
        {"s": {"_q": "1", "_VALUE": "x"}},
    ]

    assert ddl(infer(rows, OPTIONS), OPTIONS) == "`a` array<bigint>, `s` struct<`_VALUE`: string, `_q`: bigint>"


def test_types_are_not_inferred_when_not_wanted() -> None:
    """With inferSchema off, everything is text."""
    options = XmlOptions(row_tag="row", infer_types=False)

    assert ddl(infer([{"a": "1"}], options), options) == "`a` string"
