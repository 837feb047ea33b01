"""Results as column-based sets: the types of columns, and some of the rows, a column at a time."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.databricks_stub.warehouse_protocol import messages as m

STRING, TIMESTAMP, DECIMAL = 7, 8, 15
TYPE_IDS = {
    "BOOLEAN": 0,
    "BYTE": 1,
    "SHORT": 2,
    "INT": 3,
    "LONG": 4,
    "FLOAT": 5,
    "DOUBLE": 6,
    "STRING": STRING,
    "TIMESTAMP": TIMESTAMP,
    "BINARY": 9,
    "ARRAY": 10,
    "MAP": 11,
    "STRUCT": 12,
    "DECIMAL": DECIMAL,
    "NULL": 16,
    "DATE": 17,
    "VARCHAR": 18,
    "CHAR": 19,
}
"""The names of the statement API to the numbers of TTypeId; what is not here (VARIANT, intervals) is a text."""
PRECISION = re.compile(r"DECIMAL\((\d+),\s*(-?\d+)\)", re.IGNORECASE)
WITHOUT_ZONE = "TIMESTAMP_NTZ"


@dataclass(frozen=True, kw_only=True)
class _Form:
    """How the values of a type travel."""

    field: str
    message: Any
    filler: Any
    """Stands where a value is NULL; a bit beside it says so."""
    value: Callable[[Any], Any]


def _text(value: Any) -> str:
    # Databricks gives arrays, maps and structs as JSON texts in column-based sets
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


TEXT_FORM = _Form(field="stringVal", message=m.StringColumn, filler="", value=_text)
FORMS: Mapping[str, _Form] = {
    "BOOLEAN": _Form(field="boolVal", message=m.BoolColumn, filler=False, value=bool),
    "BYTE": _Form(field="byteVal", message=m.ByteColumn, filler=0, value=int),
    "SHORT": _Form(field="i16Val", message=m.I16Column, filler=0, value=int),
    "INT": _Form(field="i32Val", message=m.I32Column, filler=0, value=int),
    "LONG": _Form(field="i64Val", message=m.I64Column, filler=0, value=int),
    "FLOAT": _Form(field="doubleVal", message=m.DoubleColumn, filler=0.0, value=float),
    "DOUBLE": _Form(field="doubleVal", message=m.DoubleColumn, filler=0.0, value=float),
    "BINARY": _Form(field="binaryVal", message=m.BinaryColumn, filler=b"", value=base64.b64decode),
    # Assumed: instants come with their zone, which is UTC here, so that clients make aware datetimes of them
    "TIMESTAMP": _Form(
        field="stringVal", message=m.StringColumn, filler="", value=lambda text: f"{text.replace('T', ' ')}+00:00"
    ),
    WITHOUT_ZONE: _Form(
        field="stringVal", message=m.StringColumn, filler="", value=lambda text: text.replace("T", " ")
    ),
}


def metadata(columns: Sequence[Mapping[str, str]]) -> Any:
    """The description of a result; the columns are those of the store."""
    return m.MetadataResp(
        status=m.Status(statusCode=m.StatusCode.SUCCESS),
        schema=m.TableSchema(columns=[_described(column, place) for place, column in enumerate(columns, start=1)]),
        resultFormat=m.COLUMN_BASED_SET,
        lz4Compressed=False,
        isStagingOperation=False,
    )


def _described(column: Mapping[str, str], position: int) -> Any:
    type_id = TYPE_IDS.get(column["type_name"], STRING)
    qualifiers = None
    if type_id == DECIMAL:
        found = PRECISION.search(column["type_text"])
        precision, scale = (int(found[1]), int(found[2])) if found else (10, 0)
        values = {"precision": precision, "scale": scale}
        qualifiers = m.TypeQualifiers(
            qualifiers={name: m.TypeQualifierValue(i32Value=value) for name, value in values.items()}
        )
    entry = m.TypeEntry(primitiveEntry=m.PrimitiveType(type=type_id, typeQualifiers=qualifiers))
    return m.ColumnDesc(columnName=column["name"], typeDesc=m.TypeDesc(types=[entry]), position=position)


def row_set(columns: Sequence[Mapping[str, str]], rows: Sequence[Sequence[Any]], start: int) -> Any:
    """These rows, the first of which is number `start` of the result."""
    return m.RowSet(
        startRowOffset=start,
        rows=[],
        columns=[_column(_form(column), [row[place] for row in rows]) for place, column in enumerate(columns)],
    )


def _form(column: Mapping[str, str]) -> _Form:
    name = WITHOUT_ZONE if column["type_text"].upper() == WITHOUT_ZONE else column["type_name"]
    return FORMS.get(name, TEXT_FORM)


def _column(form: _Form, values: Sequence[Any]) -> Any:
    nulls = bytearray((len(values) + 7) // 8)
    for place, value in enumerate(values):
        if value is None:
            nulls[place >> 3] |= 1 << (place & 7)
    kept = [form.filler if value is None else form.value(value) for value in values]
    return m.Column(**{form.field: form.message(values=kept, nulls=bytes(nulls))})
