"""Makes Spark sessions on the classic engine: isolated, in the workspace's catalog, with what Databricks has beyond."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.kernel.connect_client import open_session
from sandbox.databricks_stub.kernel.delta_tables import table
from sandbox.databricks_stub.kernel.spark import bridges
from sandbox.databricks_stub.kernel.sql_text.quoting import quoted
from sandbox.databricks_stub.kernel.volumes import installing
from sandbox.databricks_stub.kernel.volumes.paths import VolumePaths


def create_session(
    remote: str, *, catalog: str, schemas: Sequence[str], warehouse: Path, volumes: Mapping[str, str]
) -> Any:
    """A fresh session whose current catalog and schema are `catalog` and the first of `schemas`.

    `volumes` maps `/Volumes/<catalog>/<schema>/<name>` to `s3://bucket/prefix/` or to a folder.
    """
    bridges.install()
    spark = open_session(remote)
    bridges.attach(spark)
    table.install()
    table.attach(spark, DeltaNames(spark))
    installing.install(VolumePaths(volumes), warehouse=warehouse)
    # the server's own defaults are the rest
    spark.sql(f"USE {quoted(catalog, schemas[0])}")
    return spark


class DeltaNames:
    """What `delta.tables` asks of a session."""

    def __init__(self, spark: Any) -> None:
        self._spark = spark

    def has_table(self, name: str) -> bool:
        """Whether a name is that of a Delta table."""
        from pyspark.errors import AnalysisException

        try:
            found = self._spark.sql(f"DESCRIBE DETAIL {name}").first()
        except AnalysisException:
            return False
        return found is not None and found["format"] == "delta"

    def address(self, path: str) -> str:
        """A path as the engine must be given it: just so, for it knows the volumes."""
        return path
