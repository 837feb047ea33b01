"""spark.read.format("xml"), client side: which files, which schema, and over to the data source that reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from sandbox.databricks_stub.kernel.sail.xml.options import XmlOptions
from sandbox.databricks_stub.kernel.sail.xml.source import FILES, NAME, XmlDataSource, inferred_ddl
from sandbox.databricks_stub.kernel.volumes.files import Found, expand

XML_FORMATS = ("xml", "com.databricks.spark.xml")
REGISTERED = "_sandbox_xml"


def load_xml(original: Any, reader: Any, paths: Sequence[str], *, resolve: Callable[[str], str]) -> Any:
    """The rows of the files; `original` is PySpark's own `load`, `resolve` gives where a path in a volume really is."""
    from pyspark.sql.types import StructType, _parse_datatype_string

    if not paths:
        raise ValueError("[XML_PATH_MISSING] load() needs a path for format xml")
    spark = reader._client  # noqa: SLF001
    zone = spark.conf.get("spark.sql.session.timeZone")
    given = dict(reader._options) | {"__time_zone": zone}  # noqa: SLF001
    options = XmlOptions.parse(given)
    lower = {key.lower(): value for key, value in given.items()}
    files: list[Found] = []
    for path in paths:
        files += _expand(path, lower, resolve)
    if not reader._schema:  # noqa: SLF001
        found = inferred_ddl(files, given)
        reader.schema(_parse_datatype_string(found) if found else StructType([]))
    if options.rescued_column:
        _add_column(reader, options.rescued_column)
    register(spark)
    reader._options = given | {FILES: json.dumps([[file.address, file.shown] for file in files])}  # noqa: SLF001
    return original(reader.format(NAME))


def register(spark: Any) -> None:
    """Make the data source known to a session, once."""
    if REGISTERED not in spark.__dict__:
        spark.dataSource.register(XmlDataSource)
        spark.__dict__[REGISTERED] = True


def forget(spark: Any) -> None:
    """The session's server was started anew, and knows nothing."""
    spark.__dict__.pop(REGISTERED, None)


def _expand(path: str, options: dict[str, str], resolve: Callable[[str], str]) -> list[Found]:
    from pyspark.errors import AnalysisException

    try:
        return expand(
            resolve(path),
            shown=_shown(path),
            pattern=options.get("pathglobfilter", ""),
            recursive=options.get("recursivefilelookup", "") == "true",
        )
    except FileNotFoundError as error:
        raise AnalysisException(str(error)) from None


def _shown(path: str) -> str:
    # Assumed: the rescued column names files as _metadata.file_path does, with the scheme of Databricks' file system
    return f"dbfs:{path}" if path.startswith("/") else path


def _add_column(reader: Any, name: str) -> None:
    from pyspark.sql.types import StringType, StructType, _parse_datatype_json_string, _parse_datatype_string

    text = reader._schema  # noqa: SLF001
    schema = _parse_datatype_json_string(text) if text.lstrip().startswith("{") else _parse_datatype_string(text)
    if name not in schema.names:
        schema = StructType([*schema.fields]).add(name, StringType())
    reader.schema(schema)
