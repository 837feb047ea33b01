"""Recognising statements."""

from __future__ import annotations

import pytest

from sandbox.databricks_stub.kernel.sql_text.statements import Verb, name_parts, recognise


@pytest.mark.parametrize(
    ("sql", "verb", "name"),
    [
        ("create table if not exists a.b (x int)", Verb.CREATE_TABLE, ("a", "b")),
        ("CREATE OR REPLACE TABLE `a`.`b c` AS SELECT 1", Verb.CREATE_TABLE, ("a", "b c")),
        ("create external table t (x int) location '/x'", Verb.CREATE_TABLE, ("t",)),
        ("-- a comment\ncreate /* odd */ view v as select 1", Verb.CREATE_VIEW, ("v",)),
        ("create or replace temporary view v as select 1", Verb.TEMPORARY_VIEW, ("v",)),
        ("create global temp view v as select 1", Verb.TEMPORARY_VIEW, ("v",)),
        ("create temporary function f as 'x'", Verb.OTHER, ()),
        ("show tables in s", Verb.SHOW_TABLES, ("s",)),
        ("show tables", Verb.OTHER, ()),
        ("create schema if not exists s", Verb.CREATE_SCHEMA, ("s",)),
        ("drop table if exists a.b.c;", Verb.DROP_TABLE, ("a", "b", "c")),
        ("drop database s cascade", Verb.DROP_SCHEMA, ("s",)),
        ("alter table t rename to u", Verb.RENAME_TABLE, ("t",)),
        ("alter table t add columns (x int)", Verb.ADD_COLUMNS, ("t",)),
        ("alter table t set tblproperties ('a'='b')", Verb.ALTER_TABLE, ("t",)),
        ("alter table t cluster by (a)", Verb.TABLE_NOTE, ("t",)),
        ("alter table t set tags ('a' = 'b')", Verb.TABLE_NOTE, ("t",)),
        ("alter table t add constraint pk primary key (a)", Verb.TABLE_NOTE, ("t",)),
        ("alter table t add constraint c check (a > 0)", Verb.ALTER_TABLE, ("t",)),
        ("alter table t drop column a", Verb.ALTER_TABLE, ("t",)),
        ("comment on table t is 'x'", Verb.TABLE_NOTE, ("t",)),
        ("use projects.silver", Verb.USE, ("projects", "silver")),
        ("use schema silver", Verb.USE, ("silver",)),
        ("use catalog projects", Verb.OTHER, ()),
        ("describe history delta.`/a/b`", Verb.HISTORY, ("delta", "/a/b")),
        ("desc table extended t", Verb.DESCRIBE, ("t",)),
        ("describe function upper", Verb.OTHER, ()),
        ("optimize t zorder by (a)", Verb.OPTIMIZE, ("t",)),
        ("restore table t to version as of 1", Verb.RESTORE, ("t",)),
        ("insert into table t (a) values (1)", Verb.INSERT, ("t",)),
        ("merge with schema evolution into t using s on true", Verb.MERGE, ("t",)),
        ("delete from t where a", Verb.CHANGE, ("t",)),
        ("select 'drop table t'", Verb.OTHER, ()),
        ("", Verb.OTHER, ()),
    ],
)
def test_a_statement_is_known_by_its_first_words(sql: str, verb: Verb, name: tuple[str, ...]) -> None:
    """What a statement does and to what is read off its beginning, whatever the case, comments and quotes."""
    found = recognise(sql)

    assert (found.verb, found.name) == (verb, name)


def test_words_in_strings_and_comments_do_not_count() -> None:
    """A word inside of a string, a comment or a quoted name is not a word of the statement."""
    found = recognise("create table t as select 'REPLACE' as `EXTERNAL` -- CASCADE")

    assert not found.words & {"REPLACE", "EXTERNAL", "CASCADE"}


def test_what_follows_the_name_is_kept_as_it_is() -> None:
    """The rest of a statement keeps its spelling and loses the closing semicolon."""
    assert recognise("create view v AS\n select 'a;b' ;").rest == "AS\n select 'a;b'"


def test_backticks_within_backticks_are_doubled() -> None:
    """A quoted name may have backticks and dots in it."""
    assert name_parts("a.`b``c.d`") == ("a", "b`c.d")
