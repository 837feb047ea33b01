"""The parameter markers of `spark.sql(…, args=…)`, replaced by literals before the statement is sent.

Measured 2026-11, Spark 4.2.0 with Delta 4.4.0: Delta's SQL parser drops the values, and every statement with args ends
as UNBOUND_SQL_PARAMETER. https://github.com/delta-io/delta/issues/7640
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def literals(args: Mapping[str, Any] | Sequence[Any]) -> dict[str, str] | list[str]:
    """The SQL of each value; raises what PySpark raises for one that cannot be a literal."""
    from pyspark.sql.connect.functions import lit

    from sandbox.databricks_stub.kernel.delta_tables import expressions

    if isinstance(args, Mapping):
        return {name: expressions.sql(lit(value)) for name, value in args.items()}
    return [expressions.sql(lit(value)) for value in args]
