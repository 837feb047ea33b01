"""Reading the parts of statements."""

from __future__ import annotations

import pytest

from sandbox.databricks_stub.kernel.sql_text.clauses import (
    insert_clauses,
    merge_source,
    replace_paths,
    table_clauses,
)


def test_the_place_of_a_table_is_read() -> None:
    """Provider, location and whether there is a query are read, from outside of brackets only."""
    found = table_clauses("(a string comment 'USING x') USING CSV LOCATION '/x/y' AS SELECT 1")

    assert (found.provider, found.location, found.is_select) == ("csv", "/x/y", True)


def test_a_path_option_is_a_location() -> None:
    """OPTIONS (path '…') places a table like LOCATION."""
    assert table_clauses("USING json OPTIONS (path '/x')").location == "/x"


def test_the_words_of_the_query_are_not_clauses() -> None:
    """What comes after AS belongs to the query."""
    found = table_clauses("AS SELECT location, 'x' AS using FROM t")

    assert (found.provider, found.location, found.is_select) == ("", "", True)


@pytest.mark.parametrize(
    ("rest", "columns", "by_name"),
    [("(a, `b c`) values (1, 2)", ("a", "b c"), False), ("BY NAME select 1 as a", (), True)],
)
def test_the_columns_of_an_insert_are_read(rest: str, columns: tuple[str, ...], by_name: bool) -> None:
    """An INSERT with columns or BY NAME is recognised."""
    found = insert_clauses(rest)

    assert found is not None
    assert (found.columns, found.by_name) == (columns, by_name)


@pytest.mark.parametrize(
    "rest", ["values (1, 2)", "select * from t", "(select 1)", "(values (1))", "partition (a=1) select 1"]
)
def test_an_insert_without_columns_is_left_alone(rest: str) -> None:
    """An INSERT whose brackets hold a query, or that has none, has no columns."""
    assert insert_clauses(rest) is None


def test_the_source_of_a_merge_is_found() -> None:
    """A named source is found with where it stands and whether it has an alias."""
    sql = "MERGE INTO a.t AS t USING `my view` ON t.x = 1"

    found = merge_source(sql)

    assert found is not None
    assert (found.name, sql[found.start : found.end], found.has_alias) == (("my view",), "`my view`", False)


def test_a_query_may_be_the_source_of_a_merge() -> None:
    """A source in brackets is taken as a query, with brackets inside."""
    found = merge_source("merge into t using (select (1) as a) s on true")

    assert found is not None
    assert (found.name, found.text, found.has_alias) == ((), "select (1) as a", True)


def test_paths_are_replaced_where_they_are_paths() -> None:
    """LOCATION, a path option and a file after a format are paths; other strings are data."""
    sql = "create table t using csv location '/Volumes/a' as select '/Volumes/a' from csv.`/Volumes/a`"

    found = replace_paths(sql, lambda path: path.replace("/Volumes", "s3://b"))

    assert found == "create table t using csv location 's3://b/a' as select '/Volumes/a' from csv.`s3://b/a`"


@pytest.mark.parametrize(
    "option",
    ["path '/Volumes/a'", "path = '/Volumes/a'", "'header' 'true', \"path\" '/Volumes/a'", "`path`='/Volumes/a'"],
)
def test_a_path_option_is_replaced(option: str) -> None:
    """With and without an equals sign, its name a word or a text."""
    found = replace_paths(f"create table t using csv options ({option})", lambda path: "s3://b")

    assert found == f"create table t using csv options ({option.replace('/Volumes/a', 's3://b')})"


@pytest.mark.parametrize(
    "sql",
    [
        "select * from files where path = '/Volumes/a'",
        "update files set path = '/Volumes/a' where location = '/Volumes/a'",
        "select 1 as path, path '/Volumes/a'",
        "create table t (path string comment '/Volumes/a', options string) using delta",
    ],
)
def test_a_column_called_path_is_data(sql: str) -> None:
    """What is compared with it, or put into it, stays."""
    assert replace_paths(sql, lambda path: "s3://b") == sql
