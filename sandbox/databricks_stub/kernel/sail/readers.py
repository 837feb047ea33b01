"""spark.read: paths in volumes, and the `xml` format."""

from __future__ import annotations

import re
from typing import Any

from sandbox.databricks_stub.kernel import bridging
from sandbox.databricks_stub.kernel.sail.state import SessionState
from sandbox.databricks_stub.kernel.sail.xml.reading import XML_FORMATS, load_xml
from sandbox.databricks_stub.kernel.volumes.files import exists

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def install() -> None:
    """Bridge `load`, by which all file formats are read."""
    from pyspark.sql.connect.readwriter import DataFrameReader

    bridging.wrap(DataFrameReader, "load", _load)
    bridging.wrap(DataFrameReader, "parquet", _paths)
    bridging.wrap(DataFrameReader, "orc", _paths)


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
        check_travel(self)
        if path is None:
            path = next((value for key, value in self._options.items() if key.lower() == "path"), None)
            self._options = {key: value for key, value in self._options.items() if key.lower() != "path"}
        paths = [] if path is None else [path] if isinstance(path, str) else list(path)
        if str(self._format).lower() in XML_FORMATS:
            return load_xml(original, self, paths, resolve=state.volumes.resolve)
        resolved = [_existing(state, item, str(self._format).lower()) for item in paths]
        found = original(self, resolved or None)
        return _with_full_paths(found, state, paths) if str(self._format).lower() == "binaryfile" else found

    return load


def check_travel(reader: Any) -> None:
    """Refuse the change data feed, of which Sail would give the table's rows, and complete a day to a moment."""
    # Measured 2026-11, Sail 0.7.2: readChangeFeed is ignored, timestampAsOf needs a time of day
    for key, value in reader._options.items():  # noqa: SLF001
        if key.lower() in ("readchangefeed", "readchangedata") and str(value).lower() == "true":
            raise NotImplementedError(f'{key}: the local engine has no change data feed; engine.name = "spark" has')
        if key.lower() == "timestampasof" and DAY.fullmatch(str(value)):
            reader._options[key] = f"{value} 00:00:00"  # noqa: SLF001


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
