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


def test_optimize_keeps_the_rows_of_every_kind_of_partition(sail: Engine) -> None:
    """However the log spells a value: numbers, moments in any zone, texts with signs, NULL."""
    found = sail.run("""
spark.conf.set("spark.sql.session.timeZone", "Europe/Berlin")
values = {
    "float": ["cast(1 as float)", "cast(0.1 as float)", "null"],
    "double": ["2.0d", "1e20d", "0.1d", "null"],
    "timestamp": ["timestamp'2024-01-01 10:00:00'", "timestamp'2024-01-01 10:00:00.5'", "null"],
    "date": ["date'2024-01-01'", "null"],
    "decimal(10,3)": ["1.5", "2"],
    "boolean": ["true", "false"],
    "string": ["'a b/c'", "'50%'", "null"],
}
found = []
for number, (kind, texts) in enumerate(values.items()):
    spark.sql(f"create table parts{number} (id int, p {kind}) partitioned by (p)")
    for _ in range(2):
        for at, text in enumerate(texts):
            spark.sql(f"insert into parts{number} values ({at}, {text})")
    read = lambda: sorted(map(str, spark.table(f"parts{number}").collect()))
    before = read()
    metrics = spark.sql(f"optimize parts{number}").first()["metrics"]
    made = [metrics["numFilesAdded"], metrics["numFilesRemoved"]]
    found.append([kind, read() == before, made == [len(texts), 2 * len(texts)]])
    """)

    kinds = ["float", "double", "timestamp", "date", "decimal(10,3)", "boolean", "string"]
    assert found == [[kind, True, True] for kind in kinds]


def test_optimize_commits_nothing_that_loses_rows(sail: Engine) -> None:
    """When the new files have fewer rows than the old ones, the table and its folder stay as they are."""
    found = sail.run("""
from sandbox.databricks_stub.kernel.sail import compaction
from sandbox.databricks_stub.kernel.sail.state import SessionState
spark.sql("create table guarded (a int) using delta")
for number in range(2):
    spark.sql(f"insert into guarded values ({number})")
folder = SessionState.of(spark).folder("guarded")
content = lambda: sorted(str(path) for path in folder.rglob("*"))
before = content()
refused = error_of(lambda: compaction.optimize(spark.table("guarded").limit(1), folder, sort_by=[]))
found = [refused, content() == before, list(warehouse.glob(".optimize*"))]
    """)

    assert "the table has 2 rows, its new files would have 1; nothing was changed" in found[0]
    assert found[1:] == [True, []]


def test_partitions_of_moments_are_overwritten_in_any_zone(sail: Engine) -> None:
    """Dynamic overwrite finds the partition of a TIMESTAMP also where the session's zone is not UTC."""
    found = sail.run("""
spark.conf.set("spark.sql.session.timeZone", "Europe/Berlin")
spark.sql("create table by_moment (id int, p timestamp) using delta partitioned by (p)")
spark.sql("insert into by_moment values (1, timestamp'2024-01-01 10:00:00'), (2, timestamp'2024-01-01 11:00:00')")
new = spark.sql("select 10 as id, p from by_moment where id = 1")
new.write.mode("overwrite").option("partitionOverwriteMode", "dynamic").saveAsTable("by_moment")
found = rows(spark.sql("select id from by_moment order by id"))
    """)

    assert found == [[2], [10]]
