"""spark.read: paths in volumes, and the `xml` format."""

from __future__ import annotations

import json
from typing import Any

from sandbox.databricks_stub.kernel.sail import bridges
from sandbox.databricks_stub.kernel.sail.files import Found, expand
from sandbox.databricks_stub.kernel.sail.state import SessionState


def install() -> None:
    """Bridge `load`, by which all file formats are read."""
    from pyspark.sql.connect.readwriter import DataFrameReader

    bridges.wrap(DataFrameReader, "load", _load)
    bridges.wrap(DataFrameReader, "parquet", _paths)
    bridges.wrap(DataFrameReader, "orc", _paths)


def _load(original: Any) -> Any:
    def load(self: Any, path: Any = None, format: Any = None, schema: Any = None, **options: Any) -> Any:  # noqa: A002
        state = SessionState.find(self._client)
        if state is None:
            return original(self, path, format, schema, **options)
        if format is not None:
            self.format(format)
        if schema is not None:
            self.schema(schema)
        self.options(**options)
        if path is None:
            path = next((value for key, value in self._options.items() if key.lower() == "path"), None)
            self._options = {key: value for key, value in self._options.items() if key.lower() != "path"}
        paths = [] if path is None else [path] if isinstance(path, str) else list(path)
        if str(self._format).lower() in ("xml", "com.databricks.spark.xml"):
            return _load_xml(original, self, state, paths)
        return original(self, [state.volumes.resolve(item) for item in paths] or None)

    return load


def _paths(original: Any) -> Any:
    def method(self: Any, *paths: Any, **options: Any) -> Any:
        state = SessionState.find(self._client)
        if state is None:
            return original(self, *paths, **options)
        resolved = [
            state.volumes.resolve(item) if isinstance(item, str) else [state.volumes.resolve(one) for one in item]
            for item in paths
        ]
        return original(self, *resolved, **options)

    return method


def _load_xml(original: Any, reader: Any, state: SessionState, paths: list[str]) -> Any:
    from pyspark.sql.types import _parse_datatype_string

    from sandbox.databricks_stub.kernel.sail.xml_options import XmlOptions
    from sandbox.databricks_stub.kernel.sail.xml_source import FILES, XmlDataSource, inferred_ddl

    if not paths:
        raise ValueError("[XML_PATH_MISSING] load() needs a path for format xml")
    spark = reader._client  # noqa: SLF001
    zone = spark.conf.get("spark.sql.session.timeZone")
    given = dict(reader._options) | {"__time_zone": zone}  # noqa: SLF001
    options = XmlOptions.parse(given)
    lower = {key.lower(): value for key, value in given.items()}
    files: list[Found] = []
    for path in paths:
        files += _expand(state, path, lower)
    if not reader._schema:  # noqa: SLF001
        found = inferred_ddl(files, given)
        reader.schema(_parse_datatype_string(found) if found else _no_fields())
    if options.rescued_column:
        _add_column(reader, options.rescued_column)
    if "xml" not in state.data_sources:
        spark.dataSource.register(XmlDataSource)
        state.data_sources.add("xml")
    reader._options = given | {FILES: json.dumps([[file.address, file.shown] for file in files])}  # noqa: SLF001
    return original(reader.format("xml"))


def _expand(state: SessionState, path: str, options: dict[str, str]) -> list[Found]:
    from pyspark.errors import AnalysisException

    try:
        return expand(
            state.volumes.resolve(path),
            shown=_shown(path),
            pattern=options.get("pathglobfilter", ""),
            recursive=options.get("recursivefilelookup", "") == "true",
        )
    except FileNotFoundError as error:
        raise AnalysisException(str(error)) from None


def _no_fields() -> Any:
    from pyspark.sql.types import StructType

    return StructType([])


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
