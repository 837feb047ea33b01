# Databricks notebook source
# MAGIC %md
# MAGIC # What the medallion notebooks share
# MAGIC
# MAGIC Included with `%run ./shared`. Every table is refreshed the same way: one `MERGE` that makes it equal to its
# MAGIC source and touches only rows that differ. So a rerun or a repair changes nothing, a killed run leaves the
# MAGIC table as it was, and rows that have vanished upstream vanish from the table too: each dump is complete, and
# MAGIC what its site has deleted (often for a person's privacy) must not live on here. Delta's history and the last
# MAGIC snapshots in the volume keep what a table held before.

# COMMAND ----------

import json
from pathlib import Path

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

spark.conf.set("spark.sql.session.timeZone", "UTC")

# COMMAND ----------


def table_name(catalog: str, schema: str, table: str) -> str:
    """The three-level name of a table, quoted."""
    return f"`{catalog}`.`{schema}`.`{table}`"


def count_rows(table: str) -> int:
    """How many rows a table has."""
    return spark.sql(f"SELECT count(*) AS n FROM {table}").first()["n"]


# COMMAND ----------


def find_file(root: str, asset: str, path: str, snapshot: str) -> tuple[str, int | None]:
    """The file of an asset in the volume, and how many rows it has if the manifest knows.

    `path` (below the volume) is what triggered the run; without it the current snapshot's file is taken.
    """
    manifest = f"{root}/current.json"
    try:
        entry = json.loads(Path(manifest).read_text(encoding="utf-8"))["files"][asset]
    except FileNotFoundError:
        if not path:
            raise FileNotFoundError(f"nothing has been published yet: there is no {manifest}") from None
        entry = {}
    path = path or entry["volume_path"]
    if snapshot and f"/{snapshot}/" not in f"/{path}":
        raise ValueError(f"the parameters contradict each other: {path} is not in snapshot {snapshot}")
    return f"{root}/{path}", entry["rows"] if path == entry.get("volume_path") else None


# COMMAND ----------


def read_rows(path: str, attributes: list[str]) -> DataFrame:
    """Every `<row>` of a dump with every attribute as text, exactly as it stands there.

    What `attributes` does not name is kept as JSON in `_rescued_data`. `_key` is the row's Id; should an Id be
    missing or come twice, the key is made unique, so that each row of the input is a row of the table.
    """
    rows = (
        spark.read.format("xml")
        .schema(StructType([StructField(name, StringType()) for name in attributes]))
        .option("rowTag", "row")
        .option("attributePrefix", "")
        .option("rescuedDataColumn", "_rescued_data")
        .option("mode", "FAILFAST")
        .option("ignoreSurroundingSpaces", "false")
        # by default the text "null" would be read as nothing, and people are called so; this text cannot be in XML
        .option("nullValue", "\u0001")
        .load(path)
    )
    # the rescued data names the file, which is another one in each snapshot
    rescued = F.regexp_replace("_rescued_data", r'"_file_path":"[^"]*",?', "")
    rescued = F.regexp_replace(rescued, r",\}$", "}")
    rows = rows.withColumn("_rescued_data", F.when(rescued != "{}", rescued))
    same_id = Window.partitionBy("Id").orderBy(F.xxhash64(*attributes, "_rescued_data"))
    number = F.row_number().over(same_id)
    key = F.coalesce("Id", F.lit(""))
    return rows.withColumn("_key", F.when(number == 1, key).otherwise(F.concat(key, F.lit("#"), number.cast("string"))))


# COMMAND ----------


def refresh(table: str, source: DataFrame, *, key: str) -> int:
    """Make the Delta table equal to `source`, which has one row per `key`; returns how many rows the table has now."""
    name = table.replace("`", "")
    if not spark.catalog.tableExists(name):
        source.write.format("delta").saveAsTable(name)
    elif spark.table(table).columns != source.columns:
        # somebody changed the notebook: the table gets the new columns at once, in one version
        source.write.format("delta").mode("overwrite").option("overwriteSchema", "true").saveAsTable(name)
    else:
        source.createOrReplaceTempView("refresh_source")
        same = " AND ".join(f"t.`{column}` <=> s.`{column}`" for column in source.columns if column != key)
        spark.sql(
            f"""
            MERGE INTO {table} AS t USING refresh_source AS s ON t.`{key}` = s.`{key}`
            WHEN MATCHED AND NOT ({same}) THEN UPDATE SET *
            WHEN NOT MATCHED THEN INSERT *
            WHEN NOT MATCHED BY SOURCE THEN DELETE
            """
        ).collect()
        spark.catalog.dropTempView("refresh_source")
    rows = count_rows(table)
    print(f"{table}: {rows} rows")
    return rows


# COMMAND ----------


def unreadable(column: str, kind: str) -> str:
    """SQL: why this text is no such value, or NULL."""
    condition = f"`{column}` IS NOT NULL AND try_cast(`{column}` AS {kind}) IS NULL"
    return f"CASE WHEN {condition} THEN '{column} is no {kind}' END"


def missing(column: str) -> str:
    """SQL: that the value is not there, or NULL."""
    return f"CASE WHEN `{column}` IS NULL THEN '{column} is missing' END"
