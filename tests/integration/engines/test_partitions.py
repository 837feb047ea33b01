"""Overwriting parts of tables, by a condition and by partition, on every engine."""

from __future__ import annotations

import pytest

from tests.integration.engines.engine_process import Engine

pytestmark = [pytest.mark.xdist_group("engines")]


PARTITIONED = """
spark.createDataFrame([(1, "a"), (3, "c"), (9, "x")], "id int, p string").write.partitionBy("p").saveAsTable("{name}")
new = spark.createDataFrame([(33, "c"), (4, None)], "id int, p string")
left = lambda: rows(spark.table("{name}").orderBy("id"))
"""


def test_a_part_of_a_table_is_overwritten(engine: Engine) -> None:
    """What `replaceWhere` covers goes, all else stays; data that it does not cover is refused."""
    found = engine.run(
        PARTITIONED.format(name="part")
        + """
def write(where, **options):
    new.write.mode("overwrite").option("replaceWhere", where).options(**options).saveAsTable("part")
write("p = 'c' or p is null")
first = left()
refused = error_of(lambda: write("p = 'c'"))
write("id >= 4 and id < 40")
found = [first, left(), "DELTA_REPLACE_WHERE_MISMATCH" in refused]
    """
    )

    assert found == [
        [[1, "a"], [4, None], [9, "x"], [33, "c"]],
        [[1, "a"], [4, None], [33, "c"]],
        True,
    ]


def test_partitions_are_overwritten_dynamically(engine: Engine) -> None:
    """Those that the data has, by an option of the write or of the session, by name and by folder."""
    found = engine.run(
        PARTITIONED.format(name="dynamic")
        + """
new.write.mode("overwrite").option("partitionOverwriteMode", "dynamic").saveAsTable("dynamic")
first = left()
new.limit(0).write.mode("overwrite").option("partitionOverwriteMode", "dynamic").saveAsTable("dynamic")
spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
spark.createDataFrame([(90, "x")], "id int, p string").write.insertInto("dynamic", overwrite=True)
second = left()
static = spark.createDataFrame([(91, "x")], "id int, p string").write.option("partitionOverwriteMode", "static")
static.mode("overwrite").saveAsTable("dynamic")
spark.conf.unset("spark.sql.sources.partitionOverwriteMode")
found = [first, second, left()]
    """
    )

    assert found == [
        [[1, "a"], [4, None], [9, "x"], [33, "c"]],
        [[1, "a"], [4, None], [33, "c"], [90, "x"]],
        [[91, "x"]],
    ]
