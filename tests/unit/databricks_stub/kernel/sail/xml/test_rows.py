"""Rows of XML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.databricks_stub.kernel.sail.xml.options import XmlOptions
from sandbox.databricks_stub.kernel.sail.xml.rows import RAW, Corrupt, Row, rows


def read(text: bytes, *, size: int = 1 << 20, raw: bool = False, **options: str) -> list[Row | Corrupt]:
    """All rows, read in chunks of a size, with the attributes' own names."""

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(text), size):
            yield text[start : start + size]

    known = XmlOptions.parse({"rowTag": "row", "attributePrefix": ""} | options)
    return [row for found in rows(chunks(), known, keep_raw=raw) for row in found]


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_attributes_are_columns_wherever_chunks_end(size: int) -> None:
    """A byte order mark, CRLF, entities and characters of several bytes are read, whatever the chunks."""
    text = '\ufeff<?xml version="1.0" encoding="utf-8"?>\r\n<p>\r\n <row Id="1" B="ä &lt;x&gt;&#xA;"/>\r\n <row/></p>'

    assert read(text.encode(), size=size) == [{"Id": "1", "B": "ä <x>\n"}, {}]


def test_elements_are_columns_too() -> None:
    """Children are columns, several of a name a list, with attributes or children a dict; the row's text is a value."""
    text = b'<p><row k="1"><a>x</a><a>y</a><b q="2">z</b><c><d/></c> hello</row></p>'

    assert read(text) == [
        {"k": "1", "a": ["x", "y"], "b": {"q": "2", "_VALUE": "z"}, "c": {"d": ""}, "_VALUE": " hello"}
    ]


def test_a_row_within_a_row_is_a_child() -> None:
    """The row tag inside of a row does not start another row."""
    assert read(b'<p><row><row a="1"/></row></p>') == [{"row": {"a": "1"}}]


@pytest.mark.parametrize("size", [5, 1 << 20])
@pytest.mark.parametrize(
    "broken", [b'<row Id="2" x=1/>', b'<row Id="2" Id="3"/>', b'<row Id="2"><a></row>', b'<row Id="&nope;"/>']
)
def test_reading_goes_on_after_a_broken_row(broken: bytes, size: int) -> None:
    """A row that is no XML is told as such, and the rows around it are read."""
    found = read(b'<p><row Id="1"/>\n' + broken + b'\n<row Id="9"/><row Id="10"/></p>', size=size)

    assert found[0] == {"Id": "1"}
    assert found[-2:] == [{"Id": "9"}, {"Id": "10"}]
    assert [type(item) for item in found[1:-2]] == [Corrupt]


def test_a_cut_file_ends_with_a_broken_row() -> None:
    """What the end of the file cuts off is a broken row."""
    found = read(b'<p><row Id="1"/><row Id="2"')

    assert found == [{"Id": "1"}, '<row Id="2"']
    assert isinstance(found[1], Corrupt)


@pytest.mark.parametrize("text", [b"", b"no xml at all", b"<p></p>"])
def test_a_file_without_rows_has_none(text: bytes) -> None:
    """Nothing comes of a file without the row tag."""
    assert read(text) == []


@pytest.mark.parametrize("size", [3, 1 << 20])
def test_rows_keep_their_text_when_asked(size: int) -> None:
    """The text of each row is kept from its first to its last sign."""
    found: list[Any] = read(b'<p> <row a="1"/> <row><b>2</b></row ><row/></p>', size=size, raw=True)

    assert [row[RAW] for row in found] == ['<row a="1"/>', "<row><b>2</b></row >", "<row/>"]


def test_prefixes_and_namespaces() -> None:
    """Attributes get their prefix, or are left out; namespaces are left out when asked."""
    text = b'<n:p xmlns:n="x"><n:row a="1"><n:b>2</n:b></n:row></n:p>'

    assert read(text, ignoreNamespace="true", attributePrefix="@") == [{"@a": "1", "b": "2"}]
    assert read(text, ignoreNamespace="true", excludeAttribute="true") == [{"b": "2"}]


def test_memory_does_not_grow_with_the_file() -> None:
    """Rows are handed over as they come: the first before the last is read."""
    fed = []

    def chunks() -> Iterator[bytes]:
        yield b"<p>"
        for number in range(100):
            fed.append(number)
            yield b'<row Id="%d"/>' % number

    first = next(rows(chunks(), XmlOptions.parse({"rowTag": "row"})))

    assert first == [{"_Id": "0"}]
    assert len(fed) < 5


def test_many_broken_rows_are_all_told() -> None:
    """A file full of broken rows is read to its end."""
    found = read(b"<p>" + b"<row a=1/>" * 3000 + b'<row a="1"/></p>')

    assert len(found) == 3001
    assert found[-1] == {"a": "1"}
