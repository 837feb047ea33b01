"""Markers are replaced where they are markers, and nowhere else."""

from __future__ import annotations

import pytest

from sandbox.databricks_stub.kernel.sql_text.markers import bound, unnamed


@pytest.mark.parametrize(
    ("statement", "expected"),
    {
        "a name": ("SELECT :p AS a WHERE x=:p", "SELECT 'v' AS a WHERE x='v'"),
        "a longer name": ("SELECT :p2", "SELECT :p2"),
        "inside of texts and quoted names": ("SELECT ':p', \":p\", `:p`", "SELECT ':p', \":p\", `:p`"),
        "an escaped quote": (r"SELECT 'it\'s :p', :p", r"SELECT 'it\'s :p', 'v'"),
        "comments": ("SELECT 1 -- :p\n/* :p */, :p", "SELECT 1 -- :p\n/* :p */, 'v'"),
        "a cast": ("SELECT 1::p, a :: p", "SELECT 1::p, a :: p"),
        "fields": ("SELECT v:p, v[0]:p, CAST(x AS struct<a:p>)", "SELECT v:p, v[0]:p, CAST(x AS struct<a:p>)"),
        "an apostrophe in a comment": (
            "SELECT 1 -- don't\nWHERE x = :p AND y = 'z'",
            "SELECT 1 -- don't\nWHERE x = 'v' AND y = 'z'",
        ),
        "IDENTIFIER": ("SELECT * FROM IDENTIFIER(:p)", "SELECT * FROM IDENTIFIER('v')"),
        "no value": ("SELECT :q", "SELECT :q"),
    }.values(),
)
def test_named_markers(statement: str, expected: str) -> None:
    """As Spark's own lexer sees them."""
    assert bound(statement, {"p": "'v'"}) == expected


def test_markers_by_position() -> None:
    """In their order; one too many stays for Spark to name."""
    assert bound("SELECT ?, '?', ? -- ?\n, ?", ["1", "'b'"]) == "SELECT 1, '?', 'b' -- ?\n, ?"


def test_markers_by_position_are_counted() -> None:
    """Those that are some."""
    assert unnamed("SELECT ?, '?', :p, `?` -- ?\n, ?") == 2
