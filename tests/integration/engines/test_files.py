"""Files in volumes on every engine: XML, the other formats, Spark and plain Python side by side."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.engines.engine_process import VOLUME, Engine

pytestmark = [pytest.mark.xdist_group("engines")]


def test_xml_is_read_from_the_volume(engine: Engine, s3: Any) -> None:
    """Rows, types, names of several files, rescued data and modes; a row that is no XML costs no other one."""
    text = '\ufeff<posts>\r\n<row Id="1" At="2008-07-31T21:42:52.667" More="x"/>\r\n<row Id="2"/>\r\n</posts>'
    odd = b'<posts><row Id="3"/><row Id=4/><row Id="z"/></posts>'
    s3.put_object(Bucket="bucket", Key=f"raw/{engine.name}/xml/a.xml", Body=text.encode())
    s3.put_object(Bucket="bucket", Key=f"raw/{engine.name}/xml/b.xml", Body=odd)

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
    error_of(lambda: read().load(f"{V}/nope.xml").schema),
]
    """)

    assert found[0] == "struct<At:timestamp,Id:bigint,More:string>"
    assert found[1] == ["2008-07-31 21:42:52.667000", "None"]
    path = f'"_file_path":"dbfs:{VOLUME}/{engine.name}/xml'
    assert sorted(item or "" for item in found[2]) == [
        *[""] * 3,
        f'{{"Id":"z",{path}/b.xml"}}',
        f'{{"More":"x",{path}/a.xml"}}',
    ]
    assert found[3] == ['<row Id="z"/>', "<row Id=4/>", "None", "None", "None"]
    assert found[4] == [[1], [2], [3]]
    # classic Spark tells the file in its first line, and the record only in what caused it
    assert {"sail": "MALFORMED_RECORD_IN_PARSING", "spark": "FAILED_READ_FILE"}[engine.name] in found[5]
    assert found[6].startswith("AnalysisException: [PATH_NOT_FOUND]")


def test_volumes_are_seen_by_spark_and_python(engine: Engine, s3: Any) -> None:
    """Spark, open, pathlib and pandas read and write the same files, which are objects in S3."""
    s3.put_object(Bucket="bucket", Key=f"raw/{engine.name}/data/a.csv", Body=b"Id,Name\n1,x\n")

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
    error_of(lambda: spark.read.csv(f"{V}/data/nope.csv").collect()),
    error_of(lambda: spark.read.csv("/Volumes/projects/default/nope/x").collect()),
]
    """)

    assert found[:5] == [[["1", "x"]], [[1, "x"]], [[1]], [[1]], [[1]]]
    assert found[5] == [f"dbfs:{VOLUME}/{engine.name}/data/a.csv", 12]
    assert "PATH_NOT_FOUND" in found[6]
    assert found[7] != "no error"
    note = s3.get_object(Bucket="bucket", Key=f"raw/{engine.name}/data/note.json")
    assert note["Body"].read() == b'{"a": 1}'
