"""stack_exchange.rows: the check that is faster than a parser says what a parser says."""

from __future__ import annotations

from pathlib import Path
from xml.parsers import expat

import py7zr
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stack_exchange.errors import BadInput
from stack_exchange.rows import RowChecker

HEAD = '\ufeff<?xml version="1.0" encoding="utf-8"?>\r\n<posts>\r\n'
ROW = '  <row Id="{id}" Score="3" Body="&lt;p&gt;a &amp;amp; b&#xA;é 漢 🚀&lt;/p&gt;" Tags="|a|b|" />\r\n'


def document(*rows: str) -> bytes:
    return (HEAD + "".join(rows) + "</posts>").encode()


def many(count: int = 4000) -> list[str]:
    return [ROW.format(id=number) for number in range(count)]


def check(content: bytes, *, step: int = 100_000) -> RowChecker:
    checker = RowChecker("Posts.xml", root="posts")
    for start in range(0, len(content), step):
        checker.feed(content[start : start + step])
    checker.close()
    return checker


def expat_says(content: bytes) -> int | None:
    """The number of rows, or None when it is not well-formed."""
    rows = 0

    def start(name: str, _: object) -> None:
        nonlocal rows
        rows += name == "row"

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError, ValueError):
        return None
    return rows


@pytest.mark.parametrize("step", [1 << 20, 999, 7])
def test_counts_the_rows_of_a_dump_without_parsing_it(sample: Path, tmp_path: Path, step: int) -> None:
    """Whatever the pieces are in which it comes."""
    with py7zr.SevenZipFile(sample) as opened:
        opened.extract(tmp_path, targets=["Posts.xml"])

    checker = check((tmp_path / "Posts.xml").read_bytes(), step=step)

    assert checker.rows == 300
    assert not checker._strict


@pytest.mark.parametrize(
    "odd",
    [
        "  <row Id='1' />\r\n",
        '  <row Id="1"></row>\r\n',
        '  <row Id="1" /><!-- a comment -->\r\n',
        '  <row Id="1" />\r\n\r\n',
        '  <row\r\n Id="1" />\r\n',
        '<row Id="1" /><row Id="2" />\r\n',
        '  <row Id="a > b" />\r\n',
        '  <row Id="&#x1F600;" B="&#233;" />\r\n',
        '  <row Id="1">text</row>\r\n',
        '  <row a:b="1" />\r\n',
        '  <other Id="1" />\r\n',
    ],
)
def test_accepts_xml_in_another_style(odd: str) -> None:
    """What is well-formed but not as the dumps write it goes to the parser."""
    content = document(*many(), odd, *many(5))

    checker = check(content)

    assert checker.rows == expat_says(content)


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        ('  <row Id="1" Id="2" />\r\n', "duplicate attribute, line 3003"),
        ('  <row Id="<b>" />\r\n', "not well-formed"),
        ('  <row Id="a & b" />\r\n', "not well-formed"),
        ('  <row Id="&foo;" />\r\n', "undefined entity"),
        ('  <row Id="&#0;" />\r\n', "reference to invalid character"),
        ('  <row Id="\x01" />\r\n', "not well-formed"),
        ('  <row Id="\uffff" />\r\n', "not well-formed"),
        ('  <row Id="1 />\r\n', "not well-formed"),
        ('  <row Id="1" >\r\n', "mismatched tag"),
        ("  <row Id=1 />\r\n", "not well-formed"),
        ("</posts>\r\n", "junk after document element"),
        ("</users>\r\n", "mismatched tag"),
        ("  &amp;lt;\r\n  <row />&bar;\r\n", "undefined entity"),
    ],
)
def test_refuses_broken_xml_in_the_middle(odd: str, why: str) -> None:
    """With the line, and whether the rows before were looked at by the parser or not."""
    with pytest.raises(BadInput, match=why):
        check(document(*many(3000), odd, *many(5)))


def test_refuses_bytes_that_are_not_utf_8() -> None:
    """In the middle of a value, too."""
    with pytest.raises(BadInput, match="not well-formed"):
        check(document(*many()).replace(b"Score", b"Sc\xffore", 1))
    with pytest.raises(BadInput, match="not well-formed"):
        check(document(*many()).replace(b"&lt;", b"\xff", 1))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no element found"),
        (b"<users>\r\n</users>", "its root element is <users>, not <posts>"),
        (b'<!DOCTYPE posts [<!ENTITY a "aaaa">]>\r\n<posts>\r\n</posts>', "it declares a document type"),
        (b'<!DOCTYPE posts SYSTEM "http://evil.example/x.dtd"><posts/>', "it declares a document type"),
        (document(*many(10))[:-20], "unclosed token"),
        (document(*many(10))[:-8], "no element found"),
        (document(*many(10)) + b"more", "junk after document element"),
        (b'<posts>\r\n  <row Id="' + b"x" * 17_000_000 + b'" />\r\n</posts>', "a row is longer than 16 MiB"),
        (b"<posts>" + b"x" * 17_000_000 + b"</posts>", "a row is longer than 16 MiB"),
    ],
    ids=["empty", "root", "dtd", "external dtd", "cut", "no end", "junk", "long row", "long text"],
)
def test_refuses_what_is_no_dump(content: bytes, why: str) -> None:
    """Empty, another document, a document type, cut off."""
    with pytest.raises(BadInput, match=why):
        check(content)


def test_accepts_a_dump_without_rows() -> None:
    """Whether that is wanted is for others to say."""
    assert check(document()).rows == 0
    assert check(b"<posts/>").rows == 0


ALPHABET = list(b'"<>&;= \r\n/x\x00\x0b\x80\xc3\xa9\xef\xbf\xbf-#') + list(b"row")
BASE = document(*many(30))


@given(
    edits=st.lists(
        st.tuples(
            st.integers(0, len(BASE) - 1),
            st.integers(0, 3),
            st.binary(max_size=4) | st.sampled_from([bytes([code]) for code in ALPHABET]),
        ),
        min_size=1,
        max_size=3,
    ),
    step=st.sampled_from([5, 200, 100_000]),
)
@settings(max_examples=300, deadline=None)
def test_agrees_with_the_parser_about_damaged_documents(edits: list[tuple[int, int, bytes]], step: int) -> None:
    """Cut out, overwrite, insert: it accepts exactly what expat accepts, and counts the same rows."""
    content = bytearray(BASE)
    for position, cut, inserted in edits:
        content[position : position + cut] = inserted
    expected = expat_says(bytes(content))

    try:
        rows: int | None = check(bytes(content), step=step).rows
    except BadInput as error:
        rows = expected if "root element" in str(error) else None

    assert rows == expected
