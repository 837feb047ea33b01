"""What Databricks' Spark has and this one lacks: `USE CATALOG`, rights, parameters of SQL, XML with rescued data.

The bridges act on sessions of create_session only.
"""

from __future__ import annotations

import re
from typing import Any

from sandbox.databricks_stub.kernel import bridging
from sandbox.databricks_stub.kernel.spark import parameters, xml_rescue
from sandbox.databricks_stub.kernel.sql_text import markers
from sandbox.databricks_stub.kernel.sql_text.unavailable import refuse

ATTRIBUTE = "_sandbox_bridged"
XML_FORMATS = ("xml", "com.databricks.spark.xml")
RIGHTS = re.compile(r"\s*(?:GRANT|REVOKE)\s.*", re.IGNORECASE | re.DOTALL)
# Measured 2026-11, Spark 4.2.0: SET CATALOG is its only spelling
USE_CATALOG = re.compile(r"\s*USE\s+CATALOG\s+(?P<name>\S+?)\s*;?\s*", re.IGNORECASE)


def install() -> None:
    """Put the bridges in; again is harmless."""
    from pyspark.sql.connect.readwriter import DataFrameReader
    from pyspark.sql.connect.session import SparkSession

    bridging.wrap(SparkSession, "sql", _sql)
    bridging.wrap(DataFrameReader, "load", _load)


def attach(spark: Any) -> None:
    """Make a session one of those on which the bridges act."""
    spark.__dict__[ATTRIBUTE] = True


def _sql(original: Any) -> Any:
    def sql(self: Any, sqlQuery: str, args: Any = None, **kwargs: Any) -> Any:
        if ATTRIBUTE not in self.__dict__:
            return original(self, sqlQuery, args, **kwargs)
        refuse(sqlQuery)
        if RIGHTS.fullmatch(sqlQuery):
            # accepted and forgotten, as the workspace's endpoints do with permissions
            return original(self, "SELECT 1 AS nothing WHERE false").drop("nothing")
        found = USE_CATALOG.fullmatch(sqlQuery)
        text = f"SET CATALOG {found['name']}" if found else sqlQuery
        if not args:
            return original(self, text, args, **kwargs)
        if kwargs:
            raise NotImplementedError("spark.sql with args and {names} at once is not available on the local engine")
        return original(self, markers.bound(text, parameters.literals(args)))

    return sql


def _load(original: Any) -> Any:
    def load(self: Any, path: Any = None, format: Any = None, schema: Any = None, **options: Any) -> Any:  # noqa: A002
        if format is not None:
            self.format(format)
        if schema is not None:
            self.schema(schema)
        self.options(**options)
        column = xml_rescue.wanted(self._options) if ATTRIBUTE in self._client.__dict__ else ""
        # Measured 2026-11, Spark 4.2.0: its own XML reader takes the option and does nothing with it
        if column and str(self._format).lower() in XML_FORMATS:
            return xml_rescue.load(original, self, path, column=column)
        return original(self, path)

    return load
