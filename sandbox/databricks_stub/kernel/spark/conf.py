"""What Spark is configured with: Delta, the catalog, S3A, the volumes, and little of everything for a small machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.databricks_stub.kernel.connect_client import SETTINGS

DELTA_CATALOG = "org.apache.spark.sql.delta.catalog.DeltaCatalog"
S3A = "org.apache.hadoop.fs.s3a.S3AFileSystem"
LOG_STORE = "io.delta.storage.S3SingleDriverLogStore"
SESSION_TIMEOUT = "24h"
"""The resident SQL session idles longer than Spark's default of an hour."""
MOUNTS = "spark.hadoop.fs.viewfs.mounttable.default"


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """One engine: its port, its tables, its volumes, its size."""

    host: str = "127.0.0.1"
    """127.0.0.1, or in a container of its own 0.0.0.0."""
    port: int
    catalog: str
    schemas: tuple[str, ...]
    warehouse: Path
    volumes: Mapping[str, str] = field(default_factory=dict)
    """`/Volumes/<catalog>/<schema>/<name>` to `s3://bucket/prefix/` or a folder."""
    cores: int = 2
    memory_mib: int = 1024


def spark_conf(settings: EngineSettings, aws: Mapping[str, str]) -> dict[str, str]:
    """The configuration; `aws` are the variables AWS_ENDPOINT_URL and so on."""
    cores = str(settings.cores)
    return {
        "spark.app.name": "sandbox",
        "spark.master": f"local[{cores}]",
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
        "spark.connect.grpc.binding.address": settings.host,
        "spark.connect.grpc.binding.port": str(settings.port),
        "spark.connect.session.manager.defaultSessionTimeout": SESSION_TIMEOUT,
        # errors are read by people: what happened, without the server's stack
        "spark.sql.connect.serverStacktrace.enabled": "false",
        "spark.sql.pyspark.jvmStacktrace.enabled": "false",
        "spark.sql.warehouse.dir": settings.warehouse.as_uri(),
        "spark.sql.shuffle.partitions": cores,
        # Measured 2026-11, Delta 4.4.0: VACUUM lists its folders in as many tasks as this says, 10,000 by default
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": cores,
        # Measured 2026-11, Spark 4.2.0: a filter on an expression over n columns, each of which is also selected under
        # another type, makes 2**n constraints: the optimizer takes minutes and all memory for 2,000 rows
        "spark.sql.constraintPropagation.enabled": "false",
        # Measured 2026-11, Spark 4.2.0: the newer reader gives up the rest of a file at the first row that is no XML,
        # and says so in _corrupt_record only; the older one, which Databricks has, goes on with the next row
        "spark.sql.legacy.useLegacyXMLParser": "true",
        **SETTINGS,
        **_delta(settings.catalog),
        **_s3(aws),
        **_volumes(settings.volumes),
    }


def _delta(catalog: str) -> dict[str, str]:
    return {
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        # the session catalog goes by this name, see catalog_name.py
        f"spark.sql.catalog.{catalog}": DELTA_CATALOG,
        # the default of 50 costs seconds with each write on a small machine
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.delta.logStore.dbfs.impl": LOG_STORE,
        "spark.delta.logStore.s3.impl": LOG_STORE,
        "spark.delta.logStore.s3a.impl": LOG_STORE,
    }


def _s3(aws: Mapping[str, str]) -> dict[str, str]:
    found = {
        "fs.s3.impl": S3A,
        "fs.s3a.path.style.access": "true",
        # the default prefetches into the heap, which is small here
        "fs.s3a.input.stream.type": "classic",
    }
    if endpoint := aws.get("AWS_ENDPOINT_URL_S3") or aws.get("AWS_ENDPOINT_URL"):
        found["fs.s3a.endpoint"] = endpoint
        found["fs.s3a.connection.ssl.enabled"] = str(endpoint.startswith("https:")).lower()
    if region := aws.get("AWS_REGION") or aws.get("AWS_DEFAULT_REGION"):
        found["fs.s3a.endpoint.region"] = region
    if "AWS_ACCESS_KEY_ID" in aws and "AWS_SESSION_TOKEN" not in aws:
        found["fs.s3a.aws.credentials.provider"] = "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider"
        found["fs.s3a.access.key"] = aws["AWS_ACCESS_KEY_ID"]
        found["fs.s3a.secret.key"] = aws.get("AWS_SECRET_ACCESS_KEY", "")
    return {f"spark.hadoop.{name}": value for name, value in found.items()}


def _volumes(volumes: Mapping[str, str]) -> dict[str, str]:
    """A path without a scheme is one of dbfs:/, as on Databricks: volumes are mounted there, all else is this machine.

    Hadoop's own mount table does it, so SQL, readers, writers and the paths that Spark shows all agree.
    """
    found = {
        "spark.hadoop.fs.defaultFS": "dbfs:///",
        "spark.hadoop.fs.dbfs.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
        "spark.hadoop.fs.viewfs.overload.scheme.target.dbfs.impl": "org.apache.hadoop.fs.LocalFileSystem",
        f"{MOUNTS}.linkFallback": "file:///",
    }
    for path, location in volumes.items():
        address = location.replace("s3://", "s3a://", 1) if location.startswith("s3:") else Path(location).as_uri()
        found[f"{MOUNTS}.link.{path}"] = address.rstrip("/") + "/"
    return found
