"""spark.read: paths in volumes, and the `xml` format."""

from __future__ import annotations

import json
from typing import Any

from sandbox.databricks_stub.kernel.sail import bridges
from sandbox.databricks_stub.kernel.sail.files import Found, exists, expand
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
        resolved = [_existing(state, item, str(self._format).lower()) for item in paths]
        found = original(self, resolved or None)
        return _with_full_paths(found, state, paths) if str(self._format).lower() == "binaryfile" else found

    return load


def _paths(original: Any) -> Any:
    def method(self: Any, *paths: Any, **options: Any) -> Any:
        state = SessionState.find(self._client)
        if state is None:
            return original(self, *paths, **options)
        return original(self, *(_existing(state, item, "") for item in paths), **options)

    return method


def _existing(state: SessionState, path: str, source: str) -> str:
    """The path for Sail, which reads nothing, and says nothing, where nothing is in S3."""
    from pyspark.errors import AnalysisException

    try:
        address = state.volumes.resolve(path)
    except FileNotFoundError as error:
        raise AnalysisException(str(error)) from None
    if address.startswith("s3://") and source != "delta" and not exists(address):
        raise AnalysisException(f"[PATH_NOT_FOUND] Path does not exist: {path}. SQLSTATE: 42K03")
    return address


def _with_full_paths(found: Any, state: SessionState, paths: list[str]) -> Any:
    """The files of volumes by their names there; Sail names objects by their keys."""
    from pyspark.sql import functions as f

    places = [place for path in paths if (place := state.volumes.find(path)) and place.is_remote]
    column = f.col("path")
    for place in places:
        prefix = place.location.removeprefix("s3://").partition("/")[2]
        full = f.concat(f.lit(f"dbfs:{place.volume}/"), f.substring(f.col("path"), len(prefix) + 1, 1 << 20))
        column = f.when(f.col("path").startswith(prefix), full).otherwise(column)
    return found.withColumn("path", column) if places else found


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
