"""Makes Spark sessions on a Spark Connect server that is not the sandbox's own.

Nothing is bridged: what a statement does is that server's affair, and its tables are where it keeps them. Only plain
Python's view of volumes is the sandbox's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.kernel.connect_client import open_session
from sandbox.databricks_stub.kernel.sql_text.quoting import quoted
from sandbox.databricks_stub.kernel.volumes import installing
from sandbox.databricks_stub.kernel.volumes.paths import VolumePaths


def create_session(
    remote: str, *, catalog: str, schemas: Sequence[str], warehouse: Path, volumes: Mapping[str, str]
) -> Any:
    """A fresh session in the catalog and the first schema; raises what the server raises when it has no such."""
    spark = open_session(remote)
    installing.install(VolumePaths(volumes), warehouse=warehouse)
    spark.sql(f"USE {quoted(catalog, schemas[0])}")
    return spark
