"""The resident process behind SQL statements: one statement per connection, results as JSON."""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import json
import re
import socket
import threading
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.kernel.engines import create_session, refresh
from sandbox.databricks_stub.kernel.sql_parameters import with_parameters
from sandbox.databricks_stub.kernel.sql_sessions import SqlSessions

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
CLASS_LATER = re.compile(r"\A[A-Za-z ]+: (?=\[[A-Z][A-Z0-9_.]*\] )")
"""Sail says its own name of an error before Spark's class in brackets, with which clients expect a message to begin."""


def serve(request: dict[str, Any]) -> None:
    """Answer statements until the parent ends this process."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(request["socket"])
    Path(request["socket"]).chmod(0o600)
    listener.listen()
    sessions = SqlSessions(lambda: create_session(request))
    while True:
        connection, _ = listener.accept()
        # of their own, so that nobody waits for a statement in somebody else's session
        threading.Thread(target=_attend, args=(connection, sessions, request["engine"]["name"]), daemon=True).start()


def _attend(connection: socket.socket, sessions: SqlSessions, engine: str) -> None:
    with connection, connection.makefile("rwb") as stream:
        try:
            answer = respond(sessions, engine, json.loads(stream.readline()))
        except Exception as error:
            answer = {"error": message(error)}
            if "UNAVAILABLE" in str(error):
                sessions.forget()  # made again with the next statement, after the engine was restarted
        stream.write(json.dumps(answer).encode() + b"\n")


def respond(sessions: SqlSessions, engine: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Execute a statement or end it, begin or end a session."""
    match asked:
        case {"kind": "open", "session_id": session_id}:
            sessions.open(
                session_id, catalog=asked["catalog"], schema=asked["schema"], configuration=asked["configuration"]
            )
            return {}
        case {"kind": "close", "session_id": session_id}:
            sessions.close(session_id)
            return {}
        case {"kind": "interrupt", "statement_id": statement_id}:
            sessions.interrupt(statement_id)
            return {}
        case {"session_id": str(session_id)}:
            session, own = sessions.named(session_id), True
        case _:
            session, own = sessions.shared(), False
    with session.lock, sessions.running(asked["statement_id"], session.spark):
        refresh(engine, session.spark)
        if not own:
            session.spark.catalog.setCurrentCatalog(asked["catalog"])
            session.spark.catalog.setCurrentDatabase(asked["schema"])
        return execute(session.spark, asked)


def execute(spark: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """Execute one statement in a session."""
    found = spark.sql(with_parameters(asked["statement"], asked["parameters"]))
    columns = [_column(item.name, item.dataType.simpleString()) for item in found.schema.fields]
    if not columns:
        found.collect()
        return {"columns": [], "rows": []}
    rows = found.limit(asked["row_limit"]).collect() if asked["row_limit"] else found.collect()
    return {"columns": columns, "rows": [[plain(value) for value in row] for row in rows]}


def message(error: Exception) -> str:
    """The engine's words, without the stack that some carry."""
    text = CLASS_LATER.sub("", str(error).strip()) or type(error).__name__
    return text.split("\n\nJVM stacktrace", 1)[0]


def _column(name: str, type_text: str) -> dict[str, str]:
    kind = re.split(r"[(<]", type_text, maxsplit=1)[0]
    return {"name": name, "type_text": type_text.upper(), "type_name": TYPE_NAMES.get(kind, kind.upper())}


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
