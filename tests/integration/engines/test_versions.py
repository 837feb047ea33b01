"""Earlier versions and moments of tables, and what the history says, on every engine."""

from __future__ import annotations

import pytest

from tests.integration.engines.engine_process import Engine

pytestmark = [pytest.mark.xdist_group("engines")]


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
