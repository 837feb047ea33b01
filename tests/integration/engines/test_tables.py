"""Tables on every engine: names, writing, reading back, earlier versions, views, schemas, sessions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.engines.engine_process import Engine

pytestmark = [pytest.mark.xdist_group("engines")]


def test_tables_are_folders_that_other_sessions_see(engine: Engine) -> None:
    """Each way to make a table, under names of one to three parts, makes a managed Delta table for everybody."""
    found = engine.run("""
other = new_session()
data = spark.sql("select 1 as Id, 'a' as DisplayName")
data.write.saveAsTable("projects.default.w1")
data.writeTo("default.w2").create()
spark.sql("create table w3 as select * from w1")
spark.sql("create or replace table projects.default.w4 (Id int, DisplayName string)")
spark.sql("insert into w4 select * from w1")
data.write.insertInto("w4")
found = [rows(session.sql(f"select * from projects.default.w{n}")) for n in range(1, 5)
         for session in (other, new_session())]
found.append(rows(spark.sql("select current_catalog(), current_database()")))
    """)

    assert found == [[[1, "a"]]] * 6 + [[[1, "a"], [1, "a"]]] * 2 + [[["projects", "default"]]]
    assert (engine.warehouse / "default" / "w3" / "_delta_log").is_dir()


def test_what_is_dropped_is_gone_for_everybody(engine: Engine) -> None:
    """DROP TABLE removes the data too, and the name can be used again with another schema."""
    found = engine.run("""
other = new_session()
spark.sql("create table gone as select 1 as a")
before = other.catalog.tableExists("gone")
spark.sql("drop table gone")
after = other.catalog.tableExists("projects.default.gone")
other.sql("create table gone as select 'x' as b")
found = [before, after, rows(spark.table("gone"))]
    """)

    assert found == [True, False, [["x"]]]


def test_appends_go_by_name(engine: Engine) -> None:
    """In any order, filled with NULL; more columns are refused unless mergeSchema is given, never lost."""
    found = engine.run("""
spark.sql("create table by_name as select 1 as Id, 'a' as DisplayName")
append = lambda query, **options: spark.sql(query).write.mode("append").options(**options).saveAsTable("by_name")
append("select 'b' as DisplayName, 2 as Id")
append("select 3 as Id")
more = error_of(lambda: append("select 4 as Id, 'x' as New"))
other = error_of(lambda: append("select 'four' as Id"))
append("select 5 as Id, 'x' as New", mergeSchema="true")
spark.sql("insert into by_name (New, Id) values ('y', 6)")
spark.sql("select 7 as Id, 'v2' as DisplayName, 'z' as New").writeTo("by_name").append()
found = [rows(spark.table("by_name").orderBy("Id")), more, other]
    """)

    assert found[0] == [[1, "a", None], [2, "b", None], [3, None, None], [5, None, "x"], [6, None, "y"], [7, "v2", "z"]]
    assert "DELTA_METADATA_MISMATCH" in found[1]
    # Sail refuses the type, Spark the value
    assert found[2].startswith(("AnalysisException: [DELTA_FAILED_TO_MERGE_FIELDS]", "NumberFormatException: [CAST_"))


def test_a_table_may_be_replaced_by_another_schema(engine: Engine) -> None:
    """Overwriting keeps the schema; overwriteSchema and CREATE OR REPLACE change it."""
    found = engine.run("""
spark.sql("create table replaced as select 1 as a")
spark.sql("select 2 as a").write.mode("overwrite").saveAsTable("replaced")
overwritten = rows(spark.table("replaced"))
spark.sql("create or replace table replaced as select 'x' as b")
first = rows(spark.table("replaced"))
refused = error_of(lambda: spark.sql("select 1 as c").write.mode("overwrite").saveAsTable("replaced"))
spark.sql("select 1 as c").write.mode("overwrite").option("overwriteSchema", "true").saveAsTable("replaced")
found = [overwritten, first, refused, rows(new_session().table("replaced"))]
    """)

    assert (found[0], found[1], found[3]) == ([[2]], [["x"]], [[1]])
    assert "DELTA_METADATA_MISMATCH" in found[2]


def test_earlier_versions_can_be_read(engine: Engine) -> None:
    """By VERSION AS OF, by versionAsOf, by RESTORE; the history numbers them."""
    found = engine.run("""
spark.sql("create table versions as select 1 as a")
spark.sql("insert into versions values (2)")
spark.sql("delete from versions where a = 1")
old = rows(spark.sql("select * from versions version as of 1").orderBy("a"))
older = rows(spark.read.option("versionAsOf", 0).table("versions"))
numbers = [row["version"] for row in spark.sql("describe history versions").collect()]
beyond = error_of(lambda: spark.sql("select * from versions version as of 9").collect())
spark.sql("restore table versions to version as of 0")
found = [old, older, numbers, beyond, rows(new_session().table("versions"))]
    """)

    assert found[:3] == [[[1], [2]], [[1]], [2, 1, 0]]
    assert found[3] != "no error"
    assert found[4] == [[1]]


def test_earlier_moments_can_be_read(engine: Engine) -> None:
    """By TIMESTAMP AS OF, by timestampAsOf, by RESTORE: the version that was there then, also in the very moment."""
    found = engine.run("""
import datetime, os, time
spark.sql("create table moments as select 1 as a")
spark.sql("insert into moments values (2)")
spark.sql("delete from moments where a = 1")
# the last hour's, since Spark goes back by a week at most
begun = int(time.time()) - 3600
at = lambda seconds: str(datetime.datetime.fromtimestamp(begun + seconds, datetime.UTC).replace(tzinfo=None))
for version in range(3):
    written = begun + 10 * version
    os.utime(warehouse / "default" / "moments" / "_delta_log" / f"{version:020}.json", (written, written))
def read(moment):
    return [rows(spark.sql(f"select m.a from moments timestamp as of '{moment}' as m order by a")),
            rows(spark.read.option("timestampAsOf", moment).table("moments").orderBy("a"))]
times = [str(row["timestamp"]) for row in spark.sql("describe history moments").collect()]
found = [times == [at(20), at(10), at(0)], *map(read, (at(0), at(19.5), at(20)))]
a_second_ago = f"timestamp '{at(20)}' - interval 1 second"
found.append(rows(spark.sql(f"select * from moments timestamp as of {a_second_ago} order by a")))
spark.sql("restore table moments to timestamp as of '" + at(10) + "'")
found.append(rows(new_session().table("moments").orderBy("a")))
    """)

    assert found == [True, [[[1]]] * 2, [[[1], [2]]] * 2, [[[2]]] * 2, [[1], [2]], [[1], [2]]]


def test_a_moment_without_a_version_is_refused(engine: Engine) -> None:
    """Before the first; after the last Sail reads the last one, as docs/databricks.md says, and neither restores."""
    found = engine.run("""
spark.sql("create table no_moment as select 1 as a")
select = lambda moment: error_of(lambda: spark.sql(f"select * from no_moment timestamp as of '{moment}'").collect())
option = lambda moment: error_of(lambda: spark.read.option("timestampAsOf", moment).table("no_moment").collect())
restore = lambda moment: error_of(lambda: spark.sql(f"restore table no_moment to timestamp as of '{moment}'"))
found = [[ask(moment) for ask in (select, option, restore)] for moment in ("2001-01-01", "2199-01-01", "some day")]
    """)
    early, late, nonsense = found

    assert "no error" not in [*early, *nonsense]
    assert [each == "no error" for each in late] == [engine.name == "sail", engine.name == "sail", False]
    assert ("TIMESTAMP_EARLIER" in early[2], "TIMESTAMP_GREATER" in late[2]) == (True, True)


def test_the_history_says_what_happened(engine: Engine) -> None:
    """Numbers, times, operations, what each was based on; counts where a notebook looks at them."""
    found = engine.run("""
spark.sql("create table told (a int)")
spark.sql("insert into told values (1), (2)")
spark.sql("update told set a = 3 where a = 2")
spark.sql("delete from told where a = 1")
spark.sql("merge into told using (select 4 as a) s on told.a = s.a when not matched then insert *")
history = spark.sql("describe history told")
rows_ = history.collect()
times = [row["timestamp"] for row in rows_]
found = [history.columns, [field.dataType.simpleString() for field in history.schema.fields[:2]],
         [[row["version"], row["operation"], row["readVersion"], row["isBlindAppend"]]
          for row in rows_[:-1]],
         rows_[-1]["operation"].startswith("CREATE TABLE"),
         times == sorted(times, reverse=True),
         [[row["version"], row["operation"]] for row in spark.sql("describe history told limit 1").collect()],
         [int(row["operationMetrics"].get(name, -1)) for row, name in zip(rows_, ("numTargetRowsInserted",
          "numDeletedRows", "numUpdatedRows"))]]
    """)

    assert found[0][:2] + found[0][4:6] == ["version", "timestamp", "operation", "operationParameters"]
    assert found[0][9:] == [
        "readVersion",
        "isolationLevel",
        "isBlindAppend",
        "operationMetrics",
        "userMetadata",
        "engineInfo",
    ]
    assert found[1] == ["bigint", "timestamp"]
    assert found[2] == [
        [4, "MERGE", 3, False],
        [3, "DELETE", 2, False],
        [2, "UPDATE", 1, False],
        [1, "WRITE", 0, True],
    ]
    assert found[3:] == [True, True, [[4, "MERGE"]], [1, 1, 1]]


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


def test_external_tables_keep_their_data(engine: Engine, tmp_path: Path) -> None:
    """A table with a LOCATION is remembered, and dropping it leaves its files."""
    found = engine.run(f"""
spark.sql("create table outside location '{tmp_path}/outside' as select 1 as a")
spark.sql("select 2 as a").write.format("csv").option("path", "{tmp_path}/csv").saveAsTable("as_csv")
seen = rows(new_session().sql("select o.a, c.a from outside o cross join as_csv c"))
spark.sql("drop table outside")
found = [seen, new_session().catalog.tableExists("outside")]
    """)

    assert found == [[[1, 2]], False]
    assert (tmp_path / "outside" / "_delta_log").is_dir()


def test_sessions_do_not_disturb_each_other(engine: Engine) -> None:
    """Temporary views, settings and the current schema belong to one session; appends of all count."""
    found = engine.run("""
from concurrent.futures import ThreadPoolExecutor
spark.sql("create table shared (n int)")
sessions = [new_session() for _ in range(3)]
def work(pair):
    number, session = pair
    session.sql(f"select {number} as n").createOrReplaceTempView("mine")
    session.conf.set("spark.sql.session.timeZone", "UTC" if number % 2 else "Europe/Berlin")
    session.table("mine").write.mode("append").saveAsTable("shared")
    return [session.table("mine").first()["n"], session.conf.get("spark.sql.session.timeZone")]
with ThreadPoolExecutor(3) as pool:
    found = list(pool.map(work, enumerate(sessions)))
found.append(sorted(row["n"] for row in spark.table("shared").collect()))
    """)

    assert found == [[0, "Europe/Berlin"], [1, "UTC"], [2, "Europe/Berlin"], [0, 1, 2]]


def test_an_alias_survives(engine: Engine) -> None:
    """alias.column is found after withColumn, withColumnRenamed and drop."""
    found = engine.run("""
from pyspark.sql import functions as F
data = spark.sql("select 1 as a, 2 as b").alias("l")
found = [rows(data.withColumn("c", F.lit(3)).select("l.a")), rows(data.withColumnRenamed("b", "d").select("l.a")),
         rows(data.drop("b").select("l.a"))]
    """)

    assert found == [[[1]]] * 3


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


def test_values_do_not_slip_into_other_columns(engine: Engine) -> None:
    """An INSERT by position has a value for every column, or is refused; columns that are not named get defaults."""
    found = engine.run("""
spark.sql('''create table defaults (id int, a string default 'dd', b string)
             tblproperties ('delta.feature.allowColumnDefaults' = 'supported')''')
spark.sql("create table plain (id int, a string, b string)")
few = [error_of(lambda: spark.sql(f"insert into {table} {data}")) != "no error"
       for table in ("defaults", "plain") for data in ("values (2, 'A2')", "select 4, 'A4'")]
spark.sql("insert into defaults values (1, default, 'b1')")
spark.sql("insert into defaults (id, b) values (2, 'b2')")
spark.sql("insert into defaults select 3, 'a3', 'b3'")
found = [few, rows(spark.table("defaults").orderBy("id"))]
    """)

    assert found == [[True] * 4, [[1, "dd", "b1"], [2, "dd", "b2"], [3, "a3", "b3"]]]


def test_the_user_is_the_workspaces(engine: Engine) -> None:
    """Whatever asks who it is, as audit columns do."""
    found = engine.run("""
found = rows(spark.sql("select current_user(), user(), session_user()"))
    """)

    assert found == [["sandbox@example.com"] * 3]


def test_rights_are_accepted_and_forgotten(engine: Engine) -> None:
    """As the workspace's endpoints do with permissions: everybody is the one user."""
    found = engine.run("""
spark.sql("create table theirs as select 1 as a")
rights = ("GRANT SELECT ON TABLE theirs TO `me`", "revoke all on schema default from me")
found = [rows(spark.sql(text)) for text in rights]
found.append(rows(spark.table("theirs")))
    """)

    assert found == [[], [], [[1]]]


def test_a_column_called_path_is_no_path(engine: Engine) -> None:
    """A comparison with a text that looks like a path of a volume compares with that text."""
    found = engine.run("""
spark.sql("create table files (path string)")
name = "/Volumes/projects/default/my_volume/a.xml"
spark.createDataFrame([(name,)], "path string").write.mode("append").saveAsTable("files")
found = [spark.sql(f"select * from files where path = '{name}'").count(),
         spark.sql("select * from files where path = '/Volumes/elsewhere/x/y'").count()]
    """)

    assert found == [1, 0]


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


def test_all_columns_of_one_table_are_there(engine: Engine) -> None:
    """`t.*` also where the table has its schema before its name, and in a view."""
    found = engine.run("""
spark.sql("create table starred as select 1 as a, 2 as b")
spark.sql("create view of_stars as select starred.*, o.a as c from starred join starred o on true")
found = [rows(spark.sql(f"select starred.* from {name}")) for name in ("starred", "default.starred")]
found.append(rows(new_session().table("of_stars")))
    """)

    assert found == [[[1, 2]], [[1, 2]], [[1, 2, 1]]]


def test_a_view_may_read_a_view(engine: Engine) -> None:
    """Also in the next session, whichever name sorts first."""
    found = engine.run("""
spark.sql("create table lowest as select 1 as a")
spark.sql("create view z_view as select a + 1 as a from lowest")
spark.sql("create view a_view as select a + 1 as a from z_view")
found = rows(new_session().sql("select * from a_view"))
    """)

    assert found == [[3]]


def test_names_have_no_case(engine: Engine) -> None:
    """Tables, views and schemas are stored in lower case and found under any spelling; columns keep theirs."""
    found = engine.run("""
spark.sql("create table Cased (Id int)")
spark.sql("insert into CASED values (1)")
spark.createDataFrame([(2,)], "Id int").write.mode("append").saveAsTable("cAsed")
spark.createDataFrame([(3,)], "Id int").writeTo("Default.cased").append()
spark.createDataFrame([(4,)], "Id int").write.insertInto("projects.default.CaseD")
spark.sql("create table if not exists CASED (other string)")
spark.sql("update Cased set Id = 5 where Cased.Id = 4")
spark.sql("merge into Cased using (select 6 as Id) as s on s.Id = Cased.Id when not matched then insert *")
spark.sql("delete from CASED where Id = 1")
spark.sql("create view OverCased as select Cased.* from Cased")
spark.table("OVERCASED").filter("Id < 6").createOrReplaceTempView("Few")
spark.sql("create temp view Fewer as select * from FEW where Id < 5")
spark.sql("create schema CasedToo")
spark.sql("create table casedTOO.Inside as select 1 as a")
again = error_of(lambda: spark.sql("create table cased (Id int)"))
later = new_session()
found = [
    rows(spark.sql("select ID from fewer order by 1")),
    rows(later.table("Cased").select("CASED.Id").orderBy("Id")),
    later.table("OverCased").columns,
    [later.catalog.tableExists(name) for name in ("Cased", "default.CASED", "caSedtoo.inside")],
    sorted(path.name for path in warehouse.iterdir() if path.name.lower() == "casedtoo"),
    sorted(path.name for path in (warehouse / "default").iterdir() if "cased" in path.name.lower()),
    sorted(item.name for item in spark.catalog.listTables() if item.name.lower()[-5:] in ("cased", "few", "fewer")),
    "exists" in again.lower(),
]
later.sql("use CasedToo")
found.append(rows(later.sql("select * from Inside")))
later.sql("drop schema CASEDtoo cascade")
later.sql("drop table default.CASED")
found.append(sorted(path.name for path in warehouse.rglob("*ased*")))
    """)

    assert found[0] == [[2], [3]]
    assert found[1] == [[2], [3], [5], [6]]
    assert found[2:6] == [["Id"], [True] * 3, ["casedtoo"], ["cased"]]
    assert found[6:] == [["cased", "few", "fewer", "overcased"], True, [[1]], []]
