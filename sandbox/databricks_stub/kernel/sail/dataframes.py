"""DataFrame: keeps an alias where Sail loses it; temporary views have names without case, as tables have."""

from __future__ import annotations

from typing import Any

from sandbox.databricks_stub.kernel import bridging
from sandbox.databricks_stub.kernel.sail.state import SessionState

LOSING = ("withColumnRenamed", "withColumnsRenamed", "withColumn", "withColumns", "drop")
VIEWS = (
    "createTempView",
    "createOrReplaceTempView",
    "createGlobalTempView",
    "createOrReplaceGlobalTempView",
    "registerTempTable",
)


def install() -> None:
    """Bridge the methods after which `alias.column` must still be found."""
    from pyspark.sql.connect.dataframe import DataFrame

    for name in LOSING:
        bridging.wrap(DataFrame, name, _keeping_alias)
    for name in VIEWS:
        bridging.wrap(DataFrame, name, _in_lower_case)


def _keeping_alias(original: Any) -> Any:
    # Measured 2026-11, pysail 0.7.2: df.alias("a").withColumn(…) knows no a.column any more
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = original(self, *args, **kwargs)
        plan = self._plan
        if type(plan).__name__ == "SubqueryAlias" and SessionState.find(self._session) is not None:
            return found.alias(plan._alias)  # noqa: SLF001
        return found

    return method


def _in_lower_case(original: Any) -> Any:
    def method(self: Any, name: str) -> Any:
        return original(self, name.lower() if SessionState.find(self._session) else name)

    return method
