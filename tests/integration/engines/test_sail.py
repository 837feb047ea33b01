"""What only Sail is held to: its speed, and where it is stricter or needs a bridge of its own."""

from __future__ import annotations

import time

import pytest

from tests.integration.engines.conftest import Engines
from tests.integration.engines.engine_process import Engine

pytestmark = [pytest.mark.xdist_group("engines")]


@pytest.fixture
def sail(engines: Engines) -> Engine:
    """The engine."""
    return engines["sail"]


def test_the_source_of_a_merge_is_read_once(sail: Engine) -> None:
    """However many clauses there are, a source that is a query is computed once."""
    found = sail.run("""
from pyspark.sql import functions as F
spark.sql("create table once (Id bigint, R double)")
spark.range(100).select(F.col("id").alias("Id"), F.rand().alias("R")).createOrReplaceTempView("random")
spark.sql("merge into once t using random on t.Id = random.Id when not matched then insert *").collect()
found = [spark.table("once").count(), list(warehouse.glob(".merge*"))]
    """)

    assert found == [100, []]


def test_managed_tables_are_delta_tables(sail: Engine) -> None:
    """As in Unity Catalog."""
    found = sail.run("found = error_of(lambda: spark.sql('create table no_place using csv as select 1 as a'))")

    assert "Only Delta is supported for managed tables" in found


def test_a_volume_that_is_not_there_is_named(sail: Engine) -> None:
    """With those that there are."""
    found = sail.run("found = error_of(lambda: spark.read.csv('/Volumes/projects/default/nope/x'))")

    assert "my_volume" in found


def test_it_ends_at_once_and_a_lost_session_can_be_mended(sail: Engine) -> None:
    """SIGTERM waits for nobody; what runs on gets a session again by refresh()."""
    sail.run("""
import builtins
spark.sql("create table mended as select 1 as a")
builtins.old_sail = spark
    """)

    started = time.monotonic()
    sail.server.terminate()
    sail.server.wait()
    took = time.monotonic() - started
    sail.server = sail.start_server()

    assert took < 2
    assert "Run the notebook again" in sail.run("found = error_of(lambda: old_sail.sql('select 1'))")
    assert sail.run("refresh(old_sail); found = rows(old_sail.sql('select * from mended'))") == [[1]]


def test_a_session_is_quick(sail: Engine) -> None:
    """A session with ten tables is made in a fraction of a second."""
    found = sail.run("""
import time
for number in range(10):
    spark.sql(f"create or replace table quick{number} as select {number} as a")
times = []
for _ in range(5):
    start = time.monotonic()
    new_session()
    times.append(time.monotonic() - start)
found = min(times)
    """)

    assert found < 0.5


def test_what_only_describes_a_table_is_accepted(sail: Engine) -> None:
    """Clustering, keys that nobody enforces, comments and rights; a table that is not there is named."""
    found = sail.run("""
spark.sql("create table noted (id int not null primary key, n string) cluster by auto")
spark.sql("create or replace table noted_too cluster by (id) as select 1 as id")
spark.sql("comment on table noted is 'x'")
spark.sql("comment on column noted.id is 'x'")
spark.sql("grant select on table noted to `me`")
spark.sql("alter table noted cluster by (id)")
spark.sql("alter table noted add constraint k foreign key (id) references b (id)")
spark.sql("insert into noted values (1, 'a')")
found = [rows(spark.table("noted")), rows(spark.table("noted_too")),
         error_of(lambda: spark.sql("comment on table nowhere is 'x'"))]
    """)

    assert found[:2] == [[[1, "a"]], [[1]]]
    assert "TABLE_OR_VIEW_NOT_FOUND" in found[2]


def test_no_change_data_feed_is_no_table(sail: Engine) -> None:
    """What would read changes gets an error, not the table's rows; a reader told not to read them reads on."""
    found = sail.run("""
spark.sql("create table changing as select 1 as a")
spark.sql("select 1 as a").write.format("delta").save(V + "/changing")
reader = lambda value: spark.read.format("delta").option("readChangeFeed", value).option("startingVersion", 0)
found = [error_of(lambda: reader("true").table("changing")), error_of(lambda: reader(True).load(V + "/changing")),
         rows(reader("false").table("changing"))]
    """)

    assert [each.startswith("NotImplementedError: readChangeFeed") for each in found[:2]] == [True, True]
    assert found[2] == [[1]]
