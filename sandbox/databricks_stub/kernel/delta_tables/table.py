"""`delta.tables`: DeltaTable in terms of SQL, over whatever session."""

from __future__ import annotations

import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sandbox.databricks_stub.kernel.delta_tables.create import DeltaTableBuilder, IdentityGenerator
from sandbox.databricks_stub.kernel.delta_tables.expressions import identifier, sql
from sandbox.databricks_stub.kernel.delta_tables.merge import DeltaMergeBuilder
from sandbox.databricks_stub.kernel.sql_text.quoting import quoted
from sandbox.databricks_stub.kernel.sql_text.statements import name_parts

ATTRIBUTE = "_sandbox_delta_names"


class Names(Protocol):
    """What an engine knows of its session's tables."""

    def has_table(self, name: str) -> bool:
        """Whether a name is that of a Delta table."""
        ...

    def address(self, path: str) -> str:
        """A path as the engine must be given it."""
        ...


def install() -> None:
    """Make `delta.tables` importable."""
    if "delta" in sys.modules:
        return
    package, tables = types.ModuleType("delta"), types.ModuleType("delta.tables")
    tables.__dict__.update(
        DeltaTable=DeltaTable,
        DeltaTableBuilder=DeltaTableBuilder,
        DeltaMergeBuilder=DeltaMergeBuilder,
        DeltaOptimizeBuilder=DeltaOptimizeBuilder,
        IdentityGenerator=IdentityGenerator,
    )
    package.__dict__.update(tables=tables, DeltaTable=DeltaTable, __path__=[])
    sys.modules["delta"], sys.modules["delta.tables"] = package, tables


def attach(spark: Any, names: Names) -> None:
    """Tell what the tables of a session are."""
    spark.__dict__[ATTRIBUTE] = names


def _names(spark: Any) -> Names:
    found: Names | None = getattr(spark, "__dict__", {}).get(ATTRIBUTE)
    if found is None:
        raise RuntimeError("this Spark session is not the notebook's `spark`")
    return found


class DeltaTable:
    """A Delta table by name or path. Documented: https://docs.delta.io/latest/api/python/spark/index.html"""

    def __init__(self, spark: Any, name: str, alias: str = "") -> None:
        self._spark = spark
        self._name = name
        self._alias = alias

    @classmethod
    def forName(cls, sparkSession: Any, tableOrViewName: str) -> DeltaTable:
        """A table of the catalog."""
        if not _names(sparkSession).has_table(tableOrViewName):
            from pyspark.errors import AnalysisException

            raise AnalysisException(f"[DELTA_MISSING_DELTA_TABLE] {tableOrViewName} is not a Delta table.")
        return cls(sparkSession, quoted(*name_parts(tableOrViewName)))

    @classmethod
    def forPath(cls, sparkSession: Any, path: str, hadoopConf: Mapping[str, str] | None = None) -> DeltaTable:
        """A table by its folder."""
        if not cls.isDeltaTable(sparkSession, path):
            from pyspark.errors import AnalysisException

            raise AnalysisException(f"[DELTA_MISSING_DELTA_TABLE] {path} is not a Delta table.")
        return cls(sparkSession, f"delta.{quoted(_names(sparkSession).address(path))}")

    @classmethod
    def create(cls, sparkSession: Any = None) -> DeltaTableBuilder:
        """Start a table; execute() fails when there is one."""
        return cls._builder(sparkSession, "CREATE TABLE")

    @classmethod
    def createIfNotExists(cls, sparkSession: Any = None) -> DeltaTableBuilder:
        """Start a table; execute() leaves one that is there alone."""
        return cls._builder(sparkSession, "CREATE TABLE IF NOT EXISTS")

    @classmethod
    def replace(cls, sparkSession: Any = None) -> DeltaTableBuilder:
        """Start a table in place of one that is there."""
        return cls._builder(sparkSession, "REPLACE TABLE")

    @classmethod
    def createOrReplace(cls, sparkSession: Any = None) -> DeltaTableBuilder:
        """Start a table, in place of one that may be there."""
        return cls._builder(sparkSession, "CREATE OR REPLACE TABLE")

    @classmethod
    def convertToDelta(cls, *_: Any, **__: Any) -> DeltaTable:
        """Refused."""
        raise NotImplementedError(
            "DeltaTable.convertToDelta is not available on the local engine; read the files and write them as delta"
        )

    @classmethod
    def _builder(cls, spark: Any, verb: str) -> DeltaTableBuilder:
        if spark is None:
            from pyspark.sql import SparkSession

            spark = SparkSession.getActiveSession()
        _names(spark)
        return DeltaTableBuilder(
            spark,
            verb,
            found=lambda name, path: cls.forName(spark, name) if name else cls.forPath(spark, path),
        )

    @classmethod
    def isDeltaTable(cls, sparkSession: Any, identifier: str) -> bool:
        """Whether there is a Delta table in a folder."""
        from pyspark.errors import PySparkException

        try:
            return bool(sparkSession.read.format("delta").load(identifier).schema.fields)
        except (PySparkException, FileNotFoundError):
            return False

    def toDF(self) -> Any:
        """The table's rows."""
        data = self._spark.sql(f"SELECT * FROM {self._name}")
        return data.alias(self._alias) if self._alias else data

    def alias(self, aliasName: str) -> DeltaTable:
        """The table under another name, for conditions."""
        return DeltaTable(self._spark, self._name, aliasName)

    def delete(self, condition: Any = None) -> Any:
        """Delete the rows for which the condition holds, or all."""
        where = "" if condition is None else f" WHERE {sql(condition)}"
        return self._spark.sql(f"DELETE FROM {self._target()}{where}")

    def update(self, condition: Any = None, set: Mapping[str, Any] | None = None) -> Any:  # noqa: A002
        """Set columns in the rows for which the condition holds, or in all."""
        if not set:
            raise ValueError("update needs `set`: a dict of column to value")
        where = "" if condition is None else f" WHERE {sql(condition)}"
        values = ", ".join(f"{identifier(name)} = {sql(value)}" for name, value in set.items())
        return self._spark.sql(f"UPDATE {self._target()} SET {values}{where}")

    def merge(self, source: Any, condition: Any) -> DeltaMergeBuilder:
        """Start a MERGE of a DataFrame into this table."""
        return DeltaMergeBuilder(spark=self._spark, target=self._target(), source=source, condition=condition)

    def history(self, limit: int | None = None) -> Any:
        """The commits, newest first."""
        return self._spark.sql(f"DESCRIBE HISTORY {self._name}" + (f" LIMIT {int(limit)}" if limit is not None else ""))

    def detail(self) -> Any:
        """Format, location, size."""
        return self._spark.sql(f"DESCRIBE DETAIL {self._name}")

    def vacuum(self, retentionHours: float | None = None) -> Any:
        """Remove files that are no longer used."""
        return self._spark.sql(
            f"VACUUM {self._name}" + (f" RETAIN {retentionHours} HOURS" if retentionHours is not None else "")
        )

    def optimize(self) -> DeltaOptimizeBuilder:
        """Start an OPTIMIZE."""
        return DeltaOptimizeBuilder(self._spark, self._name)

    def restoreToVersion(self, version: int) -> Any:
        """Make the table what it was."""
        return self._spark.sql(f"RESTORE TABLE {self._name} TO VERSION AS OF {int(version)}")

    def restoreToTimestamp(self, timestamp: str) -> Any:
        """Make the table what it was."""
        return self._spark.sql(f"RESTORE TABLE {self._name} TO TIMESTAMP AS OF '{timestamp}'")

    def _target(self) -> str:
        return f"{self._name} AS {self._alias}" if self._alias else self._name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise NotImplementedError(f"DeltaTable.{name} is not available on the local engine")


class DeltaOptimizeBuilder:
    """What DeltaTable.optimize returns."""

    def __init__(self, spark: Any, name: str) -> None:
        self._spark = spark
        self._name = name

    def where(self, partitionFilter: str) -> DeltaOptimizeBuilder:
        """Refused: whole tables only."""
        raise NotImplementedError("OPTIMIZE of some partitions is not available on the local engine; leave out where()")

    def executeCompaction(self) -> Any:
        """Put small files together."""
        return self._spark.sql(f"OPTIMIZE {self._name}")

    def executeZOrderBy(self, *cols: str | Sequence[str]) -> Any:
        """Put files together, sorted."""
        names = ", ".join(identifier(name) for item in cols for name in ([item] if isinstance(item, str) else item))
        return self._spark.sql(f"OPTIMIZE {self._name} ZORDER BY ({names})")
