"""MERGE INTO: computes the source once.

Measured 2026-11, pysail 0.7.2: a MERGE evaluates its source five times. A source that is no table is therefore written
down first, which is also what Delta does when a source might not give the same rows twice.
"""

from __future__ import annotations

import shutil
import uuid
from typing import TYPE_CHECKING, Any

from sandbox.databricks_stub.kernel.sql_text.clauses import merge_source
from sandbox.databricks_stub.kernel.sql_text.quoting import quoted

if TYPE_CHECKING:
    from sandbox.databricks_stub.kernel.sail.call import Call


def merge(call: Call) -> Any:
    """MERGE INTO … USING …"""
    source = merge_source(call.text)
    if source is None or not _is_worth_it(call, source.name):
        return call.run()
    query = source.text if source.name == () else f"SELECT * FROM {quoted(*source.name)}"
    data = call.run(query)
    if any(item.dataType.typeName() == "void" for item in data.schema.fields):
        return call.run()
    view = f"merge_{uuid.uuid4().hex}"
    folder = call.state.warehouse.root / f".{view}"
    try:
        data.write.mode("overwrite").parquet(str(folder))
        call.spark.read.schema(data.schema).parquet(str(folder)).createOrReplaceTempView(view)
        # a source without an alias goes by its own name in the statement
        alias = "" if source.has_alias or not source.name else f" AS {quoted(source.name[-1])}"
        return call.run(f"{call.text[: source.start]}{view}{alias}{call.text[source.end :]}")
    finally:
        call.spark.catalog.dropTempView(view)
        shutil.rmtree(folder, ignore_errors=True)


def _is_worth_it(call: Call, name: tuple[str, ...]) -> bool:
    if not name:
        return True
    if len(name) > 1:
        return False
    target = call.state.qualify(name)
    entry = call.state.mirror.entry(target) if target else None
    # a temporary view hides a table of its name, and is asked for only then
    return entry is None or entry.is_view or call.state.is_temporary(name[0])
