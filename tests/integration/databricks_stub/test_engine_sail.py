"""The Sail engine: tables, XML, volumes and Delta's commands on a real server, with an S3 behind the volume."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.integration.databricks_stub.conftest import ROOT, interpreter, wait_until

VOLUME = "/Volumes/projects/default/my_volume"
AWS = {"AWS_ACCESS_KEY_ID": "an-id", "AWS_SECRET_ACCESS_KEY": "a-key", "AWS_REGION": "us-east-1"}

DRIVER = """
import json, os, sys, traceback, warnings
warnings.simplefilter("ignore")
from pathlib import Path
from sandbox.databricks_stub.kernel.sail.session import create_session, refresh

setup = json.loads(sys.argv[1])

def new_session():
    return create_session(
        setup["remote"], catalog="projects", schemas=["default"], warehouse=Path(setup["warehouse"]),
        volumes={"/Volumes/projects/default/my_volume": "s3://bucket/raw/"})

def rows(data):
    return [list(row) for row in data.collect()]

def error_of(call):
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "no error"

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
for line in sys.stdin:
    names = {"spark": new_session(), "new_session": new_session, "refresh": refresh, "rows": rows,
             "error_of": error_of, "V": "/Volumes/projects/default/my_volume", "warehouse": Path(setup["warehouse"])}
    try:
        exec(compile(json.loads(line), "snippet", "exec"), names)
        answer = {"found": names.get("found")}
    except BaseException:
        answer = {"error": traceback.format_exc()}
    answers.write(json.dumps(answer, default=str) + "\\n")
    answers.flush()
"""


class Engine:
    """A server, and a process that executes snippets in sessions of it."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.python = interpreter("engine-sail")
        self.port = free_port()
        self.warehouse = folder / "a project" / "warehouse"
        self.environment = {**os.environ, **AWS, "AWS_ENDPOINT_URL": endpoint, "PYTHONPATH": str(ROOT), "TZ": "UTC"}
        self._log = (folder / "engine.log").open("wb")
        self.server = self.start_server()
        # PySpark takes `python -c` for a run of its own doctests
        script = folder / "driver.py"
        script.write_text(DRIVER, encoding="utf-8")
        setup = {"remote": f"sc://127.0.0.1:{self.port}", "warehouse": str(self.warehouse)}
        self._driver = subprocess.Popen(
            [str(self.python), str(script), json.dumps(setup)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=self.environment,
        )

    def start_server(self) -> subprocess.Popen[bytes]:
        """Start the server, and wait until it listens."""
        server = subprocess.Popen(
            [
                *(str(self.python), "-m", "sandbox.databricks_stub.kernel.sail.server", "--port", str(self.port)),
                *("--catalog", "projects", "--schema", "default", "--warehouse", str(self.warehouse)),
            ],
            stdout=self._log,
            stderr=self._log,
            env=self.environment,
        )
        wait_until(lambda: is_listening(self.port), "the engine's start")
        return server

    def run(self, snippet: str) -> Any:
        """Execute a snippet in a new session; returns its `found`."""
        assert self._driver.stdin
        assert self._driver.stdout
        self._driver.stdin.write(json.dumps(snippet) + "\n")
        self._driver.stdin.flush()
        answer = json.loads(self._driver.stdout.readline())
        if "error" in answer:
            pytest.fail(answer["error"])
        return answer["found"]

    def close(self) -> None:
        """End both."""
        self._driver.kill()
        self.server.terminate()
        for process in (self._driver, self.server):
            process.wait()
        for stream in (self._driver.stdin, self._driver.stdout, self._log):
            if stream:
                stream.close()


def free_port() -> int:
    """A loopback port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_listening(port: int) -> bool:
    """Whether somebody accepts connections."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An S3 server."""
    port = free_port()
    with (tmp_path_factory.mktemp("moto") / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(interpreter("moto")), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log
        )
        wait_until(lambda: is_listening(port), "the start of S3")
        yield f"http://127.0.0.1:{port}"
        server.terminate()
        server.wait()


@pytest.fixture(scope="module")
def s3(endpoint: str) -> Any:
    """A client, and the bucket of the volume."""
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="an-id", aws_secret_access_key="a-key"
    )
    client.create_bucket(Bucket="bucket")
    return client


@pytest.fixture(scope="module")
def engine(endpoint: str, s3: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A server and a process that uses it, in a project whose path has a space."""
    made = Engine(tmp_path_factory.mktemp("engine"), endpoint)
    yield made
    made.close()


def test_tables_are_folders_that_other_sessions_see(engine: Engine) -> None:
    """Each way to make a table makes a managed Delta table that an earlier and a later session see."""
    found = engine.run("""
other = new_session()
data = spark.sql("select 1 as Id, 'a' as DisplayName")
data.write.saveAsTable("w1")
data.writeTo("w2").create()
spark.sql("create table w3 as select * from w1")
spark.sql("create or replace table projects.default.w4 (Id int, DisplayName string)")
spark.sql("insert into w4 select * from w1")
data.write.insertInto("w4")
found = [rows(session.sql(f"select * from w{n}")) for n in range(1, 5) for session in (other, new_session())]
    """)

    assert found == [[[1, "a"]]] * 6 + [[[1, "a"], [1, "a"]]] * 2
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


def test_columns_are_matched_by_name_and_checked(engine: Engine) -> None:
    """An append goes by name in any order and fills with NULL; more columns and other types are refused, never lost."""
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

    assert found[0] == [
        [1, "a", None],
        [2, "b", None],
        [3, None, None],
        [5, None, "x"],
        [6, None, "y"],
        [7, "v2", "z"],
    ]
    assert "DELTA_METADATA_MISMATCH" in found[1]
    assert "DELTA_FAILED_TO_MERGE_FIELDS" in found[2]


def test_a_table_may_be_replaced_by_another_schema(engine: Engine) -> None:
    """CREATE OR REPLACE and overwriteSchema change the schema; a plain overwrite does not."""
    found = engine.run("""
spark.sql("create table replaced as select 1 as a")
spark.sql("create or replace table replaced as select 'x' as b")
first = rows(spark.table("replaced"))
refused = error_of(lambda: spark.sql("select 1 as c").write.mode("overwrite").saveAsTable("replaced"))
spark.sql("select 1 as c").write.mode("overwrite").option("overwriteSchema", "true").saveAsTable("replaced")
second = rows(spark.table("replaced"))
spark.sql("select 2 as d").writeTo("replaced").createOrReplace()
found = [first, refused, second, rows(new_session().table("replaced"))]
    """)

    assert (found[0], found[2], found[3]) == ([["x"]], [[1]], [[2]])
    assert "DELTA_METADATA_MISMATCH" in found[1]


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
managed = error_of(lambda: spark.sql("create table no_place using csv as select 1 as a"))
found = [seen, new_session().catalog.tableExists("outside"), managed]
    """)

    assert found[:2] == [[[1, 2]], False]
    assert "Only Delta is supported for managed tables" in found[2]
    assert (tmp_path / "outside" / "_delta_log").is_dir()


def test_two_sessions_do_not_disturb_each_other(engine: Engine) -> None:
    """Temporary views, settings and the current schema belong to one session; appends of both count."""
    found = engine.run("""
from concurrent.futures import ThreadPoolExecutor
spark.sql("create table shared (n int)")
sessions = [new_session() for _ in range(4)]
def work(pair):
    number, session = pair
    session.sql(f"select {number} as n").createOrReplaceTempView("mine")
    session.conf.set("spark.sql.session.timeZone", "UTC" if number % 2 else "Europe/Berlin")
    session.table("mine").write.mode("append").saveAsTable("shared")
    return [session.table("mine").first()["n"], session.conf.get("spark.sql.session.timeZone")]
with ThreadPoolExecutor(4) as pool:
    found = list(pool.map(work, enumerate(sessions)))
found.append(sorted(row["n"] for row in spark.table("shared").collect()))
    """)

    assert found == [[0, "Europe/Berlin"], [1, "UTC"], [2, "Europe/Berlin"], [3, "UTC"], [0, 1, 2, 3]]


def test_xml_is_read_from_the_volume(engine: Engine, s3: Any) -> None:
    """Rows, types, names of several files, rescued data and modes, from objects with a BOM and CRLF."""
    text = '\ufeff<posts>\r\n<row Id="1" At="2008-07-31T21:42:52.667" More="x"/>\r\n<row Id="2"/>\r\n</posts>'
    s3.put_object(Bucket="bucket", Key="raw/xml/a.xml", Body=text.encode())
    s3.put_object(Bucket="bucket", Key="raw/xml/b.xml", Body=b'<posts><row Id="3"/><row Id=4/><row Id="z"/></posts>')

    found = engine.run("""
read = lambda **options: spark.read.format("xml").options(rowTag="row", attributePrefix="", **options)
inferred = read().load(f"{V}/xml/a.xml")
schema = "Id bigint, At timestamp"
rescued = read(rescuedDataColumn="_rescued_data").schema(schema).load(f"dbfs:{V}/xml/*.xml").orderBy("Id")
corrupt = read().schema(schema + ", _corrupt_record string").load(f"{V}/xml")
found = [
    inferred.schema.simpleString(),
    [str(row.At) for row in inferred.collect()],
    [row._rescued_data for row in rescued.collect()],
    sorted(str(row._corrupt_record) for row in corrupt.collect()),
    rows(read(mode="DROPMALFORMED").schema("Id bigint").load(f"{V}/xml").orderBy("Id")),
    error_of(lambda: read(mode="FAILFAST").schema(schema).load(f"{V}/xml").collect()),
    error_of(lambda: read().load(f"{V}/nope.xml")),
]
    """)

    assert found[0] == "struct<At:timestamp,Id:bigint,More:string>"
    assert found[1] == ["2008-07-31 21:42:52.667000", "None"]
    path = f'"_file_path":"dbfs:{VOLUME}/xml'
    assert sorted(item or "" for item in found[2]) == [
        *[""] * 3,
        f'{{"Id":"z",{path}/b.xml"}}',
        f'{{"More":"x",{path}/a.xml"}}',
    ]
    assert found[3] == ['<row Id="z"/>', "<row Id=4/>", "None", "None", "None"]
    assert found[4] == [[1], [2], [3]]
    assert "MALFORMED_RECORD_IN_PARSING" in found[5]
    assert found[6].startswith("AnalysisException: [PATH_NOT_FOUND]")


def test_volumes_are_seen_by_spark_and_python(engine: Engine, s3: Any) -> None:
    """Spark, open, pathlib and pandas read and write the same files, which are objects in S3."""
    s3.put_object(Bucket="bucket", Key="raw/data/a.csv", Body=b"Id,Name\n1,x\n")

    found = engine.run("""
import json, pandas
from pathlib import Path
spark.read.option("header", True).csv(f"{V}/data/a.csv").write.mode("overwrite").parquet(f"{V}/out/parquet")
Path(f"{V}/data/note.json").write_text(json.dumps({"a": 1}))
pandas.DataFrame({"p": [1]}).to_parquet(f"{V}/data/p.parquet")
spark.sql("select 1 as Id").write.format("delta").save(f"{V}/out/delta")
binary = spark.read.format("binaryFile").load(f"{V}/data/a.csv").first()
found = [
    rows(spark.read.parquet(f"dbfs:{V}/out/parquet")),
    pandas.read_csv(f"{V}/data/a.csv").values.tolist(),
    rows(spark.read.json(f"{V}/data/note.json")),
    pandas.read_parquet(f"{V}/data/p.parquet").values.tolist(),
    rows(spark.sql(f"select * from delta.`{V}/out/delta`")),
    [binary["path"], binary["length"]],
    error_of(lambda: spark.read.csv(f"{V}/data/nope.csv")),
    error_of(lambda: spark.read.csv("/Volumes/projects/default/nope/x")),
]
    """)

    assert found[:5] == [[["1", "x"]], [[1, "x"]], [[1]], [[1]], [[1]]]
    assert found[5] == [f"dbfs:{VOLUME}/data/a.csv", 12]
    assert "PATH_NOT_FOUND" in found[6]
    assert "my_volume" in found[7]
    assert s3.get_object(Bucket="bucket", Key="raw/data/note.json")["Body"].read() == b'{"a": 1}'


def test_delta_tables_are_merged_and_kept(engine: Engine) -> None:
    """DeltaTable's merge, update, delete and history, with conditions as columns and as text, and true counts."""
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
    [row["version"] for row in spark.sql("describe history merged limit 2").collect()],
    error_of(lambda: DeltaTable.forName(spark, "nope")),
    error_of(lambda: table.generate("symlink_format_manifest")),
]
    """)

    assert found[:3] == [[[3, 1, 1, 1]], [[1]], [[1]]]
    assert found[3] == [[1, "A"], [2, "B'!"]]
    assert found[4] == ["CREATE TABLE", "MERGE", "UPDATE", "DELETE"]
    assert found[5] == [3, 2]
    assert "not a Delta table" in found[6]
    assert "not available on the local engine" in found[7]


def test_the_source_of_a_merge_is_read_once(engine: Engine) -> None:
    """However many clauses there are, a source that is a query is computed once."""
    found = engine.run("""
from pyspark.sql import functions as F
spark.sql("create table once (Id bigint, R double)")
spark.range(100).select(F.col("id").alias("Id"), F.rand().alias("R")).createOrReplaceTempView("random")
spark.sql("merge into once t using random on t.Id = random.Id when not matched then insert *").collect()
found = [spark.table("once").count(), list(warehouse.glob(".merge*"))]
    """)

    assert found == [100, []]


def test_maintenance_does_what_it_says(engine: Engine) -> None:
    """OPTIMIZE puts files together, RESTORE goes back, VACUUM removes what is not used, ADD COLUMNS widens."""
    found = engine.run("""
spark.sql("create table kept (a int, p string) partitioned by (p)")
for number in range(4):
    spark.sql(f"insert into kept values ({number}, 'x'), ({number}, null)")
optimized = spark.sql("optimize kept").first()["metrics"].asDict()
again = spark.sql("optimize kept").first()["metrics"].asDict()
count = spark.table("kept").count()
spark.sql("restore table kept to version as of 1")
restored = rows(spark.sql("select a from kept"))
short = error_of(lambda: spark.sql("vacuum kept retain 0 hours"))
spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
spark.sql("vacuum kept retain 0 hours")
spark.sql("alter table kept add columns (more double)")
files = len(list((warehouse / "default" / "kept").rglob("*.parquet")))
found = [optimized, again, count, restored, short, files, rows(new_session().table("kept").select("a", "more")),
         rows(spark.sql("describe kept"))]
    """)

    assert found[0] == {"numFilesAdded": 2, "numFilesRemoved": 8}
    assert found[1] == {"numFilesAdded": 0, "numFilesRemoved": 0}
    assert found[2:4] == [8, [[0], [0]]]
    assert "RETENTION_PERIOD_TOO_SHORT" in found[4]
    assert found[5:7] == [2, [[0, None], [0, None]]]
    assert [row[0] for row in found[7]] == ["a", "p", "more", "# Partition Information", "# col_name", "p"]


def test_an_alias_survives(engine: Engine) -> None:
    """alias.column is found after withColumn, withColumnRenamed and drop."""
    found = engine.run("""
from pyspark.sql import functions as F
data = spark.sql("select 1 as a, 2 as b").alias("l")
found = [rows(data.withColumn("c", F.lit(3)).select("l.c")), rows(data.withColumnRenamed("b", "d").select("l.d")),
         rows(data.drop("b").select("l.a"))]
    """)

    assert found == [[[3]], [[2]], [[1]]]


@pytest.mark.parametrize(
    "statement",
    ["copy into t from '/x'", "msck repair table t", "select * from read_files('/x')", "grant select on t to x"],
)
def test_what_is_not_supported_fails(engine: Engine, statement: str) -> None:
    """A statement that the engine does not have is an error, never a silent success."""
    assert engine.run(f"found = error_of(lambda: spark.sql({statement!r}).collect())") != "no error"


def test_the_engine_may_be_started_anew(engine: Engine) -> None:
    """After SIGTERM, which ends it at once, tables are there again; an old session says that it is lost."""
    engine.run("""
import builtins
spark.sql("create table lasting as select 1 as a")
builtins.old = spark
    """)

    started = time.monotonic()
    engine.server.terminate()
    engine.server.wait()
    took = time.monotonic() - started
    engine.server = engine.start_server()

    assert took < 2
    assert engine.run("found = rows(spark.table('lasting'))") == [[1]]
    lost = engine.run("found = error_of(lambda: old.sql('select 1'))")
    assert "Run the notebook again" in lost
    assert engine.run("refresh(old); found = rows(old.sql('select * from lasting'))") == [[1]]


def test_a_session_is_quick(engine: Engine) -> None:
    """A session with ten tables is made in a fraction of a second."""
    found = engine.run("""
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
