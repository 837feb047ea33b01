"""Gives Spark's session catalog the name of the workspace's catalog.

Spark calls it `spark_catalog` and knows that name from one constant. Under another name three-level names, views,
current_catalog() and messages are as on Databricks, where a catalog of its own (which Delta can only offer as a
shell around the session catalog) would have no views and be called spark_catalog in everything that is shown.
"""

from __future__ import annotations

from typing import Any

OWNER = "org.apache.spark.sql.connector.catalog.CatalogManager$"
FIELD = "SESSION_CATALOG_NAME"
DEFAULT = "spark_catalog"


def rename(jvm: Any, catalog: str) -> None:
    """Set the constant; before the first use of Spark SQL in this Java process. Raises when Spark has it no more."""
    # Measured 2026-11, Spark 4.2.0: a static final field of the Scala object, read everywhere through its method
    holder = jvm.java.lang.Class.forName("sun.misc.Unsafe").getDeclaredField("theUnsafe")
    holder.setAccessible(True)
    unsafe = holder.get(None)
    name = jvm.java.lang.Class.forName(OWNER).getDeclaredField(FIELD)
    base, offset = unsafe.staticFieldBase(name), unsafe.staticFieldOffset(name)
    if unsafe.getObject(base, offset) != DEFAULT:
        raise RuntimeError(f"{OWNER}.{FIELD} is {unsafe.getObject(base, offset)!r}, not {DEFAULT!r}")
    unsafe.putObject(base, offset, catalog)
