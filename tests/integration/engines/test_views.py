"""Views and schemas on every engine: they last, and read the same from everywhere."""

from __future__ import annotations

import pytest

from tests.integration.engines.engine_process import Engine

pytestmark = [pytest.mark.xdist_group("engines")]


def test_views_and_schemas_last(engine: Engine) -> None:
    """A view is there for the next session, in whatever schema that is; schemas come and go with their folders."""
    found = engine.run("""
spark.sql("create table base as select 1 as a")
spark.sql("create view over_base as select a + 1 as b from base")
spark.sql("create schema if not exists silver")
later = new_session()
later.sql("use silver")
seen = rows(later.sql("select * from projects.default.over_base"))
later.sql("create table inside as select 1 as a")
folder = (warehouse / "silver" / "inside").is_dir()
spark.sql("drop schema silver cascade")
spark.sql("drop view over_base")
found = [seen, folder, (warehouse / "silver").exists(), new_session().catalog.tableExists("over_base")]
    """)

    assert found == [[[2]], True, False, False]


def test_an_alias_survives(engine: Engine) -> None:
    """alias.column is found after withColumn, withColumnRenamed and drop."""
    found = engine.run("""
from pyspark.sql import functions as F
data = spark.sql("select 1 as a, 2 as b").alias("l")
found = [rows(data.withColumn("c", F.lit(3)).select("l.a")), rows(data.withColumnRenamed("b", "d").select("l.a")),
         rows(data.drop("b").select("l.a"))]
    """)

    assert found == [[[1]]] * 3


def test_a_view_reads_the_same_from_everywhere(engine: Engine) -> None:
    """Tables after commas are found from other schemas; columns after FROM in functions are columns."""
    found = engine.run("""
spark.sql("create schema if not exists apart")
spark.sql("create table first as select 1 as x, date'2024-05-06' as second")
spark.sql("create table second as select 1 as x")
spark.sql('''create view by_comma as select extract(year from first.second) as y
             from first, second where first.x = second.x''')
later = new_session()
later.sql("use apart")
found = [rows(session.sql("select * from default.by_comma")) for session in (spark, later)]
    """)

    assert found == [[[2024]], [[2024]]]


def test_a_view_may_read_a_view(engine: Engine) -> None:
    """Also in the next session, whichever name sorts first."""
    found = engine.run("""
spark.sql("create table lowest as select 1 as a")
spark.sql("create view z_view as select a + 1 as a from lowest")
spark.sql("create view a_view as select a + 1 as a from z_view")
found = rows(new_session().sql("select * from a_view"))
    """)

    assert found == [[3]]
