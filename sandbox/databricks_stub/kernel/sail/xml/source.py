"""The `xml` format as a Python data source; it runs in the server, one partition a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition

from sandbox.databricks_stub.kernel.sail.xml.infer import Inferred, ddl, infer
from sandbox.databricks_stub.kernel.sail.xml.options import XmlOptions
from sandbox.databricks_stub.kernel.sail.xml.rows import Corrupt, rows
from sandbox.databricks_stub.kernel.volumes.files import Found, chunks

NAME = "xml"
FILES = "__files"
"""The option in which the client hands over what it has found: a JSON list of [address, shown path]."""


def inferred_ddl(files: Sequence[Found], given: Mapping[str, str]) -> str:
    """The schema of the files as DDL; reads them all, or the share that samplingRatio says."""
    options = XmlOptions.parse(given)
    known = Inferred()
    corrupt = False
    share = options.sampling_ratio
    credit = 0.0
    for file in files:
        for found in rows(chunks(file.address), options):
            good = [row for row in found if not isinstance(row, Corrupt)]
            corrupt = corrupt or len(good) < len(found)
            if share < 1:
                wanted = []
                for row in good:
                    credit += share
                    if credit >= 1:
                        credit -= 1
                        wanted.append(row)
                good = wanted
            infer(good, options, into=known)
    if corrupt and options.mode == "PERMISSIVE":
        known.fields[options.corrupt_column] = Inferred(scalar="string")
    return ddl(known, options)


class XmlDataSource(DataSource):  # type: ignore[misc]
    """What Sail asks for a reader."""

    @classmethod
    def name(cls) -> str:
        """The format's name."""
        return NAME

    def schema(self) -> str:
        """Never asked: the client infers, since Sail would make an inferred TIMESTAMP a TIMESTAMP_NTZ."""
        raise NotImplementedError("the schema of XML is inferred by the client")

    def reader(self, schema: Any) -> XmlReader:
        """A reader for this schema."""
        return XmlReader(dict(self.options), schema)


class XmlReader(DataSourceReader):  # type: ignore[misc]
    """Reads files to Arrow."""

    def __init__(self, given: dict[str, str], schema: Any) -> None:
        lower = {key.lower(): value for key, value in given.items()}
        self._files = json.loads(lower.pop(FILES))
        self._options = XmlOptions.parse(lower)
        self._schema = schema

    def partitions(self) -> list[InputPartition]:
        """One for each file."""
        return [InputPartition(file) for file in self._files]

    def read(self, partition: InputPartition) -> Iterator[Any]:
        """The batches of a file."""
        from sandbox.databricks_stub.kernel.sail.xml.arrow import Converter

        address, shown = partition.value
        converter = Converter(self._arrow_schema(), self._options, shown_path=shown)
        for found in rows(chunks(address), self._options, keep_raw=converter.needs_raw):
            yield converter.batch(found)

    def _arrow_schema(self) -> Any:
        import pyarrow as pa

        if isinstance(self._schema, pa.Schema):  # Sail hands over this, Spark a StructType
            return self._schema
        from pyspark.sql.pandas.types import to_arrow_schema

        return to_arrow_schema(self._schema, timezone="UTC")
