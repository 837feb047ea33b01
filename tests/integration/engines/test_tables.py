"""Tables on every engine: names, writing, reading back, sessions."""

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


def test_all_columns_of_one_table_are_there(engine: Engine) -> None:
    """`t.*` also where the table has its schema before its name, and in a view."""
    found = engine.run("""
spark.sql("create table starred as select 1 as a, 2 as b")
spark.sql("create view of_stars as select starred.*, o.a as c from starred join starred o on true")
found = [rows(spark.sql(f"select starred.* from {name}")) for name in ("starred", "default.starred")]
found.append(rows(new_session().table("of_stars")))
    """)

    assert found == [[[1, 2]], [[1, 2]], [[1, 2, 1]]]


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
