"""Makes Spark sessions on the Sail engine: isolated, with the tables of the warehouse, and with Sail's gaps bridged."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.kernel.sail import bridges, pandas_volumes, volume_patches
from sandbox.databricks_stub.kernel.sail.catalog import quoted
from sandbox.databricks_stub.kernel.sail.files import s3
from sandbox.databricks_stub.kernel.sail.state import SessionState
from sandbox.databricks_stub.kernel.sail.volume_files import VolumeSystem
from sandbox.databricks_stub.kernel.sail.volumes import VolumeFiles
from sandbox.databricks_stub.kernel.sail.warehouse import Warehouse

SETTINGS = {
    # Databricks' default; Sail's is parquet
    "spark.sql.sources.default": "delta",
    # Assumed: the workspace's clusters run in UTC, which is their default
    "spark.sql.session.timeZone": "UTC",
}


def create_session(
    remote: str,
    *,
    catalog: str,
    schemas: Sequence[str],
    warehouse: Path,
    volumes: Mapping[str, str],
    aws: Mapping[str, str] | None = None,
) -> Any:
    """A fresh session whose current catalog and schema are `catalog` and the first of `schemas`.

    `volumes` maps `/Volumes/<catalog>/<schema>/<name>` to `s3://bucket/prefix/` or to a folder; `aws` are the variables
    AWS_ENDPOINT_URL and so on, by default those of this process.
    """
    from pyspark.sql.connect.session import SparkSession

    bridges.install()
    spark = SparkSession.builder.remote(remote).create()
    _give_up_soon(spark)
    # so that SparkSession.builder.getOrCreate() of a notebook or a module finds it
    os.environ["SPARK_REMOTE"] = remote
    folder = Warehouse(Path(warehouse))
    for schema in schemas:
        folder.make_schema(schema)
    state = SessionState(
        spark=spark,
        catalog=catalog,
        default_schema=schemas[0],
        volumes=volumes,
        aws=dict(os.environ if aws is None else aws),
        run=lambda statement: bridges.run_unbridged(spark, statement),
        warehouse=folder,
    )
    state.mirror.sync()
    copies = folder.root.resolve().parent / "volumes"
    files = VolumeFiles(copies=copies, client=lambda: s3(state.aws))
    volume_patches.install(VolumeSystem(state.volumes, files))
    pandas_volumes.install()
    _apply_settings(spark, schemas[0])
    return spark


def refresh(spark: Any) -> None:
    """Register the tables that others have made since, and drop those that are gone."""
    state = SessionState.of(spark)
    if state.mirror.start_again():
        state.data_sources.clear()
        state.mirror.sync()
        _apply_settings(spark, state.default_schema)
    else:
        state.mirror.sync()


def _apply_settings(spark: Any, schema: str) -> None:
    for name, value in SETTINGS.items():
        spark.conf.set(name, value)
    bridges.run_unbridged(spark, f"USE DATABASE {quoted(schema)}")


def _give_up_soon(spark: Any) -> None:
    """Tell within seconds that the engine is down; PySpark would try for ten minutes."""
    from pyspark.sql.connect.client.retries import DefaultPolicy

    spark.client.set_retry_policies([DefaultPolicy(max_retries=6, initial_backoff=50, max_backoff=2000)])
