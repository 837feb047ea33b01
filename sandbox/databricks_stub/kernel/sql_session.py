"""The resident session behind the SQL statement API: one statement per connection, results as JSON."""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import json
import re
import socket
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.kernel.engines import create_session, refresh
from sandbox.databricks_stub.kernel.sql_text import markers
from sandbox.databricks_stub.kernel.sql_text.quoting import sql_string

TYPE_NAMES = {
    "bigint": "LONG",
    "int": "INT",
    "smallint": "SHORT",
    "tinyint": "BYTE",
    "double": "DOUBLE",
    "float": "FLOAT",
    "boolean": "BOOLEAN",
    "string": "STRING",
    "binary": "BINARY",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "timestamp_ntz": "TIMESTAMP",
    "void": "NULL",
}
"""Spark's simple type names to the enum of the API; parametrised types are found by what stands before the bracket."""


def serve(request: dict[str, Any]) -> None:
    """Answer statements until the parent ends this process."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(request["socket"])
    Path(request["socket"]).chmod(0o600)
    listener.listen()
    spark: Any = None
    while True:
        connection, _ = listener.accept()
        with connection, connection.makefile("rwb") as stream:
            try:
                asked = json.loads(stream.readline())
                # made with the first statement, and again after the engine was restarted
                spark = spark or create_session(request)
                answer = execute(spark, request["engine"]["name"], asked)
            except Exception as error:
                answer = {"error": message(error)}
                spark = None if "UNAVAILABLE" in str(error) else spark
            stream.write(json.dumps(answer).encode() + b"\n")


def execute(spark: Any, engine: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Execute one statement."""
    refresh(engine, spark)
    spark.catalog.setCurrentCatalog(asked["catalog"])
    spark.catalog.setCurrentDatabase(asked["schema"])
    found = spark.sql(with_parameters(asked["statement"], asked["parameters"]))
    columns = [_column(item.name, item.dataType.simpleString()) for item in found.schema.fields]
    if not columns:
        found.collect()
        return {"columns": [], "rows": []}
    rows = found.limit(asked["row_limit"]).collect() if asked["row_limit"] else found.collect()
    return {"columns": columns, "rows": [[plain(value) for value in row] for row in rows]}


def message(error: Exception) -> str:
    """The engine's words, without the stack that some carry."""
    text = str(error).strip() or type(error).__name__
    return text.split("\n\nJVM stacktrace", 1)[0]


def _column(name: str, type_text: str) -> dict[str, str]:
    kind = re.split(r"[(<]", type_text, maxsplit=1)[0]
    return {"name": name, "type_text": type_text.upper(), "type_name": TYPE_NAMES.get(kind, kind.upper())}


def with_parameters(statement: str, parameters: list[dict[str, Any]]) -> str:
    """Replace `:name` markers by literals; quoted, so that a value is never SQL."""
    return markers.bound(statement, {item["name"]: _literal(item) for item in parameters})


def _literal(item: dict[str, Any]) -> str:
    value = item.get("value")
    if value is None:
        return "NULL"
    quoted = sql_string(str(value))
    kind = str(item.get("type", "STRING")).upper()
    return quoted if kind == "STRING" else f"CAST({quoted} AS {kind})"


def plain(value: Any) -> Any:
    """A value as JSON has it: numbers and booleans stay, dates in ISO form, bytes in base64."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case decimal.Decimal():
            return str(value)
        case dt.datetime() | dt.date():
            return value.isoformat()
        case bytes() | bytearray():
            return base64.b64encode(value).decode()
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case _ if hasattr(value, "asDict"):
            return {key: plain(item) for key, item in value.asDict().items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return str(value)
