"""The names of tables in queries."""

from __future__ import annotations

import pytest

from sandbox.databricks_stub.kernel.sql_text.table_names import qualify_names, respell_names


@pytest.mark.parametrize(
    ("sql", "expected"),
    {
        "WITH and table functions": (
            "as with t as (select 1 from u) select * from t join a.v on from_x = 1 join range(3)",
            "as with t as (select 1 from X.u) select * from t join X.a.v on from_x = 1 join range(3)",
        ),
        "WITH and columns": (
            "with t (a, b) as (select 1, 2 from u) select * from t",
            "with t (a, b) as (select 1, 2 from X.u) select * from t",
        ),
        "commas": (
            "select a, b from a, b as x, c y where a in (1, d) order by a, b",
            "select a, b from X.a, X.b as x, X.c y where a in (1, d) order by a, b",
        ),
        "a comma after a join": (
            "from a join b on a.view = f(b.y, c), d",
            "from X.a join X.b on a.view = f(b.y, c), X.d",
        ),
        "functions with FROM": (
            "select extract(year from day), trim(from s), substring(s from 2), overlay(s placing o from 1) from t",
            "select extract(year from day), trim(from s), substring(s from 2), overlay(s placing o from 1) from X.t",
        ),
        "IS DISTINCT FROM": (
            "select a is distinct from day, b is not distinct from day from t",
            "select a is distinct from day, b is not distinct from day from X.t",
        ),
        "SELECT DISTINCT": ("select distinct from_day from t", "select distinct from_day from X.t"),
        "queries in brackets": (
            "select (select max(a) from u) from (select * from v) w, (x join y) where a in (select b from z)",
            "select (select max(a) from X.u) from (select * from X.v) w, (X.x join X.y) where a in (select b from X.z)",
        ),
        "LATERAL": (
            "select * from a, lateral (select a.x from b), lateral explode(c) lateral view explode(m) e as k, v",
            "select * from X.a, lateral (select a.x from X.b), lateral explode(c) lateral view explode(m) e as k, v",
        ),
        "FROM first": (
            "from t select a, b union all from `u v` select c",
            "from X.t select a, b union all from X.u v select c",
        ),
        "VALUES": ("select * from values (1), (2) as t(a)", "select * from values (1), (2) as t(a)"),
        "stars": ("select t.*, b.* from t join u as b on true", "select X.t.*, b.* from X.t join X.u as b on true"),
        "columns of the view": (
            "(a comment 'from b', c) comment 'x' as select a, c from t",
            "(a comment 'from b', c) comment 'x' as select a, c from X.t",
        ),
    }.values(),
)
def test_the_names_of_a_view_get_their_schema(sql: str, expected: str) -> None:
    """Tables and views are qualified; functions, columns and what WITH defines are not."""
    known = {"a.v"} | set("abcdtuvxyz") | {"day", "u v"}

    assert qualify_names(sql, lambda name: "X." + ".".join(name) if ".".join(name) in known else None) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "create or replace table Orders as select * from A.Lines",
            "create or replace table `orders` as select * from `a`.`lines`",
        ),
        ("insert into Orders (Id) select Id from lines", "insert into `orders` (Id) select Id from lines"),
        ("update Orders set A = 1", "update `orders` set A = 1"),
        (
            "delete from Orders where Id in (select Id from Old)",
            "delete from `orders` where Id in (select Id from `old`)",
        ),
        (
            "merge into Orders as T using New as S on T.Id = S.Id when matched then update set *",
            "merge into `orders` as T using `new` as S on T.Id = S.Id when matched then update set *",
        ),
        ("create temp view V as select * from T", "create temp view `v` as select * from `t`"),
        ("drop view if exists V", "drop view if exists `v`"),
        ("describe extended Orders", "describe extended `orders`"),
        ("show columns in Orders", "show columns in `orders`"),
        ("use Gold", "use S.gold"),
        ("create schema if not exists Gold", "create schema if not exists S.gold"),
        ("show tables from Gold", "show tables from S.gold"),
        ("select Orders.*, o.* from Orders, lines O", "select `orders`.*, O.* from `orders`, lines O"),
        ("select T.*, b.* from (select * from x) t, a.b", "select t.*, a.b.* from (select * from x) t, a.b"),
        ("select t.*, a.t.* from a.t where x.*", "select a.t.*, a.t.* from a.t where x.*"),
        ("select t.* from a.t union select t.* from b.t", "select t.* from a.t union select t.* from b.t"),
        ("select T.* from a.t as T join b on true", "select T.* from a.t as T join b on true"),
        ("with Abc as (select 1) select * from abc", "with Abc as (select 1) select * from Abc"),
        ("set spark.x = a from B", "set spark.x = a from B"),
        (
            "insert into IDENTIFIER('T') select * from IDENTIFIER('U')",
            "insert into IDENTIFIER('T') select * from IDENTIFIER('U')",
        ),
        ("insert overwrite DIRECTORY '/X' select * from T", "insert overwrite DIRECTORY '/X' select * from `t`"),
        (
            "select Id from orders where Name = 'from X' -- from Y",
            "select Id from orders where Name = 'from X' -- from Y",
        ),
    ],
)
def test_names_are_spelled_anew(sql: str, expected: str) -> None:
    """Those of tables and views in heads and in queries, those of schemas, and what refers to them; columns stay."""

    def table(name: tuple[str, ...]) -> str | None:
        return ".".join(f"`{part.lower()}`" for part in name) if any(part != part.lower() for part in name) else None

    assert respell_names(sql, table=table, schema=lambda name: f"S.{name[0].lower()}") == expected
