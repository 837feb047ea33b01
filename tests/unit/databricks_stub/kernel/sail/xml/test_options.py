"""The options of the XML reader."""

from __future__ import annotations

import pytest

from sandbox.databricks_stub.kernel.sail.xml.options import UnsupportedOption, XmlOptions


def test_options_are_read_in_any_case() -> None:
    """Keys and the mode may be in any case, and have the defaults of Databricks."""
    found = XmlOptions.parse({"ROWTAG": "row", "Mode": "failFast"})

    assert (found.row_tag, found.mode, found.attribute_prefix, found.value_tag) == ("row", "FAILFAST", "_", "_VALUE")
    assert (found.null_value, found.trim) == ("null", True)


@pytest.mark.parametrize(
    "options", [{}, {"rowTag": "row", "mode": "LENIENT"}, {"rowTag": "row", "inferSchema": "perhaps"}]
)
def test_wrong_options_are_refused(options: dict[str, str]) -> None:
    """A missing row tag, an unknown mode and a flag that is none are errors."""
    with pytest.raises(ValueError, match=r"rowTag|mode|inferschema"):
        XmlOptions.parse(options)


@pytest.mark.parametrize("option", [{"rowValidationXSDPath": "x.xsd"}, {"locale": "de-DE"}])
def test_what_is_not_implemented_is_refused(option: dict[str, str]) -> None:
    """An option that would change what is read is never ignored."""
    with pytest.raises(UnsupportedOption, match=next(iter(option)).lower()):
        XmlOptions.parse({"rowTag": "row"} | option)
