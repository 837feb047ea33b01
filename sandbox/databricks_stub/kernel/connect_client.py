"""Spark Connect sessions as notebooks get them, on whatever server."""

from __future__ import annotations

import os
from typing import Any

from sandbox.databricks_stub.user import USER

SETTINGS = {
    # Databricks' default; others have parquet
    "spark.sql.sources.default": "delta",
    # Assumed: the workspace's clusters run in UTC, which is their default
    "spark.sql.session.timeZone": "UTC",
}


def open_session(remote: str) -> Any:
    """A fresh, isolated session; one that cannot be reached says so within seconds."""
    from pyspark.sql.connect.session import SparkSession

    # by this the full pyspark, unlike its client, knows which of its two kinds of sessions functions and types are for
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
    # Sail's current_user() is the client's
    spark = SparkSession.builder.remote(f"{remote}/;user_id={USER}").create()
    _give_up_soon(spark)
    # so that SparkSession.builder.getOrCreate() of a notebook or a module finds it
    os.environ["SPARK_REMOTE"] = remote
    return spark


def apply_settings(spark: Any) -> None:
    """What Databricks has as defaults and open-source servers have not."""
    for name, value in SETTINGS.items():
        spark.conf.set(name, value)


def _give_up_soon(spark: Any) -> None:
    """Tell within seconds that the engine is down; PySpark would try for ten minutes."""
    from pyspark.sql.connect.client.retries import DefaultPolicy

    spark.client.set_retry_policies([DefaultPolicy(max_retries=6, initial_backoff=50, max_backoff=2000)])
