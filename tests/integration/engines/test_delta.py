"""Delta's commands on every engine: MERGE, UPDATE, DELETE, DeltaTable, upkeep."""

from __future__ import annotations

import pytest

from tests.integration.engines.engine_process import Engine

pytestmark = [pytest.mark.xdist_group("engines")]


def test_merge_makes_a_table_equal_to_its_source(engine: Engine) -> None:
    """The statement of the sample's notebooks: changed rows only are updated, and the counts are true."""
    found = engine.run("""
spark.sql("create table target as select 1 as Id, 'a' as V union all select 2, 'b' union all select 3, null")
spark.sql("select 2 as Id, 'B' as V union all select 3, null union all select 4, 'D'").createOrReplaceTempView("source")
merge = '''
    merge into projects.default.target as t using source as s on t.Id = s.Id
    when matched and not (t.V <=> s.V) then update set *
    when not matched then insert *
    when not matched by source then delete'''
found = [rows(spark.sql(merge)), rows(spark.sql(merge)), rows(spark.table("target").orderBy("Id"))]
    """)

    assert found == [[[3, 1, 1, 1]], [[0, 0, 0, 0]], [[2, "B"], [3, None], [4, "D"]]]


def test_delta_tables_are_changed_by_their_own_api(engine: Engine) -> None:
    """DeltaTable's merge, update, delete and history, with conditions as columns and as text."""
    found = engine.run("""
from delta.tables import DeltaTable
from pyspark.sql import functions as F
spark.sql("create table merged as select 1 as Id, 'a' as Name union all select 2, 'b' union all select 3, 'c'")
table = DeltaTable.forName(spark, "projects.default.merged")
source = spark.sql("select 2 as Id, 'B' as Name union all select 4, 'D'").alias("s")
counts = rows(
    table.alias("t").merge(source, F.col("t.Id") == F.col("s.Id"))
    .whenMatchedUpdate(set={"Name": F.concat(F.col("s.Name"), F.lit("'!"))})
    .whenNotMatchedInsertAll()
    .whenNotMatchedBySourceDelete("t.Id = 3")
    .execute())
updated = rows(table.update(F.col("Id") == 1, {"Name": F.lit("A")}))
deleted = rows(spark.sql("delete from merged where Id = 4"))
found = [
    counts, updated, deleted, rows(table.toDF().orderBy("Id")),
    [row["operation"] for row in table.history().orderBy("version").collect()],
    error_of(lambda: DeltaTable.forName(spark, "nope")),
    error_of(lambda: table.generate("symlink_format_manifest")),
]
    """)

    assert found[:3] == [[[3, 1, 1, 1]], [[1]], [[1]]]
    assert found[3] == [[1, "A"], [2, "B'!"]]
    assert found[4][0].startswith("CREATE TABLE")
    assert found[4][1:] == ["MERGE", "UPDATE", "DELETE"]
    assert "not a Delta table" in found[5]
    assert "not available on the local engine" in found[6]


def test_maintenance_does_what_it_says(engine: Engine) -> None:
    """OPTIMIZE puts files together, VACUUM removes what is not used, ADD COLUMNS widens."""
    found = engine.run("""
spark.sql("create table tidied (a int, p string) partitioned by (p)")
for number in range(2):
    spark.sql(f"insert into tidied values ({number}, 'x'), ({number}, null)")
metrics = [spark.sql("optimize tidied").first()["metrics"] for _ in range(2)]
optimized, again = ([each["numFilesAdded"], each["numFilesRemoved"]] for each in metrics)
count = spark.table("tidied").count()
spark.sql("restore table tidied to version as of 1")
folder = warehouse / "default" / "tidied"
files = lambda: len([path for path in folder.rglob("*.parquet") if "_delta_log" not in path.parts])
before = files()
short = error_of(lambda: spark.sql("vacuum tidied retain 0 hours"))
spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
spark.sql("vacuum tidied retain 0 hours")
spark.sql("alter table tidied add columns (more double)")
found = [optimized, again, count, short, 2 <= files() < before, rows(new_session().table("tidied").select("a", "more")),
         rows(spark.sql("describe tidied"))]
    """)

    assert found[:3] == [[2, 4], [0, 0], 4]
    assert "RETENTION_PERIOD_TOO_SHORT" in found[3]
    assert found[4:6] == [True, [[0, None], [0, None]]]
    assert [row[0] for row in found[6]] == ["a", "p", "more", "# Partition Information", "# col_name", "p"]


def test_tables_are_made_by_their_builders(engine: Engine) -> None:
    """DeltaTable.create and its like, with columns, partitions, properties and a place."""
    found = engine.run("""
from delta.tables import DeltaTable
from pyspark.sql.types import DateType, IntegerType, StructField, StructType
made = (
    DeltaTable.createIfNotExists(spark).tableName("projects.default.Made")
    .addColumn("Id", "bigint", nullable=False, comment="it's").addColumn("day", DateType())
    .addColumn("year", "int", generatedAlwaysAs="year(day)").addColumn("p", "string")
    .partitionedBy("p").property("delta.appendOnly", "false").comment("made").execute()
)
spark.sql("insert into made (Id, day, p) values (1, date'2024-05-06', 'x')")
again = error_of(lambda: DeltaTable.create(spark).tableName("made").addColumn("a", "int").execute())
kept = DeltaTable.createIfNotExists(spark).tableName("made").addColumn("a", "int").execute()
found = [
    [[row["Id"], str(row["day"]), row["year"], row["p"]] for row in made.toDF().collect()],
    again != "no error",
    kept.toDF().columns,
    [row["partitionColumns"] for row in made.detail().collect()],
]
fields = StructType([StructField("a", IntegerType()), StructField("b", IntegerType())])
found.append(DeltaTable.createOrReplace().tableName("made").addColumns(fields).execute().toDF().columns)
place = str(warehouse.parent.parent / "placed")
DeltaTable.create(spark).tableName("placed").location(place).addColumn("a", "int").execute()
found += [
    DeltaTable.isDeltaTable(spark, place),
    error_of(lambda: DeltaTable.create(spark).addColumn("a", "int").execute()),
    error_of(lambda: DeltaTable.convertToDelta(spark, "parquet.`/x`")),
]
    """)

    columns = ["Id", "day", "year", "p"]
    assert found[:6] == [[[1, "2024-05-06", 2024, "x"]], True, columns, [["p"]], ["a", "b"], True]
    assert "needs tableName" in found[6]
    assert "NotImplementedError: DeltaTable.convertToDelta is not available" in found[7]
