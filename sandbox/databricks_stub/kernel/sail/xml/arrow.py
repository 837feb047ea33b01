"""XML rows to Arrow: column by column where all is well, value by value where something is not."""

from __future__ import annotations

import datetime
import decimal
import json
import zoneinfo
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sandbox.databricks_stub.kernel.sail.xml.options import XmlOptions
from sandbox.databricks_stub.kernel.sail.xml.rows import RAW, Corrupt, Repeated, Row

MISSING = object()


class MalformedRecord(ValueError):
    """A row that mode FAILFAST refuses."""


class Converter:
    """Makes record batches of one schema."""

    def __init__(self, schema: pa.Schema, options: XmlOptions, *, shown_path: str) -> None:
        self._schema = schema
        self._options = options
        self._shown_path = shown_path
        special = {options.corrupt_column, options.rescued_column}
        self._columns = [item for item in schema if item.name not in special]
        self._names = frozenset(item.name for item in self._columns) | {RAW}
        self._has_corrupt = options.corrupt_column in schema.names
        self._rescues = bool(options.rescued_column) and options.rescued_column in schema.names

    @property
    def needs_raw(self) -> bool:
        """Whether rows must keep their text."""
        return self._has_corrupt

    def batch(self, found: Sequence[Row | Corrupt]) -> pa.RecordBatch:
        """One batch of these rows, less those that the mode drops."""
        broken: dict[int, str] = {}
        rows: list[Row] = []
        for item in found:
            if isinstance(item, Corrupt):
                if self._options.mode == "FAILFAST":
                    raise MalformedRecord(self._message(item))
                if self._options.mode == "DROPMALFORMED":
                    continue
                broken[len(rows)] = item
                rows.append({})
            else:
                rows.append(item)
        rescued: dict[int, dict[str, Any]] = {}
        arrays = {item.name: self._column(rows, item, broken, rescued) for item in self._columns}
        if self._has_corrupt:
            texts = [broken.get(index) for index in range(len(rows))]
            arrays[self._options.corrupt_column] = pa.array(texts, self._type(self._options.corrupt_column))
        if self._rescues:
            name = self._options.rescued_column
            arrays[name] = pa.array(self._rescued(rows, rescued), self._type(name))
        batch = pa.RecordBatch.from_arrays([arrays[name] for name in self._schema.names], schema=self._schema)
        if broken and self._options.mode == "DROPMALFORMED":
            return batch.filter(pa.array([index not in broken for index in range(len(rows))]))
        return batch

    def _type(self, name: str) -> pa.DataType:
        return self._schema.field(name).type

    def _message(self, text: str) -> str:
        return (
            "[MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION] Malformed records are detected in record parsing: "
            f"{text[:200]} in {self._shown_path}. Parse Mode: FAILFAST."
        )

    def _column(
        self, rows: Sequence[Row], item: pa.Field, broken: dict[int, str], rescued: dict[int, dict[str, Any]]
    ) -> pa.Array:
        name, kind = item.name, item.type
        values = [row.get(name) for row in rows]
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            with_text = self._texts(values)
            if with_text is not None:
                return pa.array(with_text, kind)
        elif not pa.types.is_nested(kind):
            fast = self._cast(values, kind)
            if fast is not None:
                return fast
        converted = []
        for index, value in enumerate(values):
            try:
                converted.append(None if value is None else convert(value, kind, self._options))
            except (ValueError, TypeError, ArithmeticError) as error:
                converted.append(None)
                self._refused(index, rows[index], name, value, broken, rescued, error)
        return pa.array(converted, kind)

    def _refused(
        self,
        index: int,
        row: Row,
        name: str,
        value: Any,
        broken: dict[int, str],
        rescued: dict[int, dict[str, Any]],
        error: Exception,
    ) -> None:
        if self._rescues:
            rescued.setdefault(index, {})[name] = value
        elif self._options.mode == "FAILFAST":
            raise MalformedRecord(self._message(f"{name}={value!r} ({error})")) from error
        else:
            broken.setdefault(index, str(row.get(RAW, "")))

    def _texts(self, values: list[Any]) -> list[str | None] | None:
        """The texts with nothing for null; None when some are no texts but elements."""
        options = self._options
        if not all(value is None or type(value) is str for value in values):
            return None
        if options.trim:
            values = [value if value is None else value.strip() for value in values]
        if options.empty_is_null:
            values = [value or None for value in values]
        if options.null_value is not None:
            values = [None if value == options.null_value else value for value in values]
        return values

    def _cast(self, values: list[Any], kind: pa.DataType) -> pa.Array | None:
        texts = self._texts(values)
        if texts is None:
            return None
        try:
            array = pa.array(texts, pa.string())
            if pa.types.is_timestamp(kind):
                moments = array.cast(pa.timestamp("us"))
                return (
                    pc.assume_timezone(moments, self._options.time_zone).cast(kind) if kind.tz else moments.cast(kind)
                )
            if pa.types.is_decimal(kind) or pa.types.is_binary(kind) or pa.types.is_boolean(kind):
                return None
            return array.cast(kind)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return None

    def _rescued(self, rows: Sequence[Row], refused: dict[int, dict[str, Any]]) -> Iterator[str | None]:
        names = self._names
        for index, row in enumerate(rows):
            found = {} if row.keys() <= names else {key: value for key, value in row.items() if key not in names}
            if index in refused:
                found.update(refused[index])
            if not found:
                yield None
                continue
            found["_file_path"] = self._shown_path
            yield json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def convert(value: Any, kind: pa.DataType, options: XmlOptions) -> Any:
    """One value as Python has it for an Arrow type; raises ValueError when it is no such value."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        items = value if isinstance(value, Repeated) else [value]
        return [convert(item, kind.value_type, options) for item in items]
    if isinstance(value, Repeated):
        value = value[-1]
    if pa.types.is_struct(kind):
        inner = value if isinstance(value, dict) else {options.value_tag: value}
        fields = [kind.field(index) for index in range(kind.num_fields)]
        return {
            item.name: convert(inner[item.name], item.type, options) if item.name in inner else None for item in fields
        }
    if pa.types.is_map(kind):
        return [(key, convert(item, kind.item_type, options)) for key, item in dict(value).items()]
    if isinstance(value, dict):
        if options.value_tag in value:
            value = value[options.value_tag]
        elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return json.dumps(value, ensure_ascii=False)
        else:
            raise ValueError("an element with children is no single value")
    return scalar(value, kind, options)


def scalar(text: str, kind: pa.DataType, options: XmlOptions) -> Any:
    """A text as a value that is not nested."""
    text = text.strip() if options.trim else text
    if text == options.null_value or (options.empty_is_null and not text):
        return None
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return text
    if pa.types.is_boolean(kind):
        if text.lower() not in ("true", "false", "1", "0"):
            raise ValueError("no boolean")
        return text.lower() in ("true", "1")
    if pa.types.is_integer(kind):
        return pa.scalar(int(text), kind).as_py()
    if pa.types.is_floating(kind):
        return float(text.removesuffix("d").removesuffix("D").removesuffix("f").removesuffix("F"))
    if pa.types.is_decimal(kind):
        exact = decimal.Decimal(text.replace(",", ""))
        return exact.quantize(decimal.Decimal(1).scaleb(-kind.scale), rounding=decimal.ROUND_HALF_UP)
    if pa.types.is_date(kind):
        return datetime.date.fromisoformat(text)
    if pa.types.is_timestamp(kind):
        moment = datetime.datetime.fromisoformat(text)
        if kind.tz:
            return moment if moment.tzinfo else moment.replace(tzinfo=zoneinfo.ZoneInfo(options.time_zone))
        return moment.replace(tzinfo=None)
    if pa.types.is_binary(kind):
        return text.encode()
    raise NotImplementedError(f"the local XML reader makes no {kind}")
