"""The names of tables in queries."""

from __future__ import annotations

import pytest

from sandbox.databricks_stub.kernel.sql_text.table_names import qualify_names


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
