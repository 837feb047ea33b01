"""Makes Spark sessions on the Sail engine: isolated, with the tables of the warehouse, and with Sail's gaps bridged."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.kernel import bridging
from sandbox.databricks_stub.kernel.connect_client import apply_settings, open_session
from sandbox.databricks_stub.kernel.delta_tables import table
from sandbox.databricks_stub.kernel.sail import bridges
from sandbox.databricks_stub.kernel.sail.delta_names import DeltaNames
from sandbox.databricks_stub.kernel.sail.state import SessionState
from sandbox.databricks_stub.kernel.sail.xml.reading import forget
from sandbox.databricks_stub.kernel.sql_text.quoting import quoted
from sandbox.databricks_stub.kernel.volumes import installing
from sandbox.databricks_stub.kernel.warehouse import Warehouse


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
    bridges.install()
    spark = open_session(remote)
    folder = Warehouse(Path(warehouse))
    for schema in schemas:
        folder.make_schema(schema)
    state = SessionState(
        spark=spark,
        catalog=catalog,
        default_schema=schemas[0],
        volumes=volumes,
        aws=dict(os.environ if aws is None else aws),
        run=lambda statement: bridging.run_unbridged(spark, statement),
        warehouse=folder,
    )
    state.mirror.sync()
    installing.install(state.volumes, warehouse=folder.root, aws=state.aws)
    table.install()
    table.attach(spark, DeltaNames(state))
    _apply_settings(spark, schemas[0])
    return spark


def refresh(spark: Any) -> None:
    """Register the tables that others have made since, and drop those that are gone."""
    state = SessionState.of(spark)
    if state.mirror.start_again():
        forget(spark)
        state.mirror.sync()
        _apply_settings(spark, state.default_schema)
    else:
        state.mirror.sync()


def _apply_settings(spark: Any, schema: str) -> None:
    apply_settings(spark)
    bridging.run_unbridged(spark, f"USE DATABASE {quoted(schema)}")
