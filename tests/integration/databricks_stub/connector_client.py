"""What the real databricks-sql-connector does against the workspace; run by Airflow's own interpreter, prints JSON.

`connector_client.py SCENARIO URL TOKEN`. Every other connection than to URL is refused and reported.
"""

from __future__ import annotations

import datetime as dt
import decimal
import json
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from databricks import sql

HTTP_PATH = "/sql/1.0/warehouses/any"
TYPES = """SELECT CAST(1 AS TINYINT) AS tiny, CAST(2 AS SMALLINT) AS small, 3 AS i, 4L AS big, CAST(1.5 AS FLOAT) AS f,
    CAST(2.5 AS DOUBLE) AS d, CAST('12.34' AS DECIMAL(10, 2)) AS dec, true AS b, 'text' AS s, DATE'2024-01-02' AS day,
    TIMESTAMP'2024-01-02 03:04:05.678901' AS at, CAST('2024-01-02 03:04:05' AS TIMESTAMP_NTZ) AS wall,
    CAST('bytes' AS BINARY) AS bin, array(1, 2) AS a, map('k', 1) AS m, named_struct('x', 1, 'y', 'z') AS st"""
elsewhere: list[str] = []


def connect(url: str, token: str, **more: Any) -> Any:
    """As docs/databricks.md says."""
    given = {"enable_telemetry": False} | more
    return sql.connect(
        server_hostname=urlsplit(url).hostname,
        http_path=HTTP_PATH,
        access_token=token,
        _connection_uri=url + HTTP_PATH,
        **given,
    )


def watch_network(url: str) -> None:
    """Let nothing but the workspace be reached."""
    real = socket.socket.connect

    def watched(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[1] != urlsplit(url).port:
            elsewhere.append(f"{address[0]}:{address[1]}")
            raise ConnectionRefusedError(f"the test refuses {address}")
        real(self, address)

    socket.socket.connect = watched  # type: ignore[method-assign,assignment]


def types(url: str, token: str) -> dict[str, Any]:
    """A value of each type, and NULL of each; with what clients learn of the columns."""
    with connect(url, token) as connection, connection.cursor() as cursor:
        cursor.execute(TYPES)
        found = cursor.fetchone()
        description = [(column[0], column[1], column[4], column[5]) for column in cursor.description]
        cursor.execute(f"SELECT {', '.join(f'NULLIF({name}, {name})' for name in names(description))} FROM ({TYPES})")
        return {
            "row": [repr(value) for value in found],
            "names": list(found.asDict()),
            "description": description,
            "nulls": [value is None for value in cursor.fetchone()],
        }


def names(description: list[Any]) -> list[str]:
    """The columns that can be compared."""
    return [column[0] for column in description if column[1] not in {"array", "map", "struct"}]


def rows(url: str, token: str) -> dict[str, Any]:
    """Many rows come in parts; fetchone, fetchmany and fetchall go on where the last one ended."""
    with connect(url, token) as connection, connection.cursor(arraysize=4000) as cursor:
        cursor.execute("SELECT id FROM range(25000) ORDER BY id")
        first, some, rest = cursor.fetchone(), cursor.fetchmany(9000), cursor.fetchall()
        whole = [first, *some, *rest]
        cursor.execute("SELECT id FROM range(0)")
        none = cursor.fetchall()
        cursor.execute("SELECT id, CAST(id AS STRING) AS t FROM range(12000)")
        arrow = cursor.fetchall_arrow()
        return {
            "in order": [row[0] for row in whole] == list(range(25000)),
            "parts": [len(some), len(rest)],
            "none": none,
            "arrow": [arrow.num_rows, arrow.column_names],
        }


def sessions(url: str, token: str) -> dict[str, Any]:
    """What is said in a session holds in it and nowhere else."""
    conf = {"timezone": "Europe/Berlin", "ansi_mode": "true", "query_tags": "a:b"}
    with (
        connect(url, token, schema="other", session_configuration=conf) as one,
        connect(url, token, catalog="projects") as two,
        one.cursor() as first,
        two.cursor() as second,
    ):
        begun = ask(first, "SELECT current_catalog(), current_schema()")
        first.execute("USE SCHEMA third")
        first.execute("CREATE TEMPORARY VIEW mine AS SELECT 7 AS n")
        return {
            "begun": begun,
            "after use": ask(first, "SELECT current_schema()"),
            "other": ask(second, "SELECT current_schema()"),
            "mine": ask(first, "SELECT n FROM mine"),
            "theirs": error(lambda: second.execute("SELECT n FROM mine")),
            "zones": [ask(cursor, "SELECT current_timezone()")[0][0] for cursor in (first, second)],
            "no schema": error(lambda: connect(url, token, schema="nowhere")),
            "no setting": error(lambda: connect(url, token, session_configuration={"no_such": "1"})),
        }


def ask(cursor: Any, statement: str, parameters: Any = None) -> list[Any]:
    """The rows of a statement."""
    cursor.execute(statement, parameters)
    return [list(row) for row in cursor.fetchall()]


def error(call: Callable[[], Any]) -> str:
    """The class and the message of what a call raises."""
    try:
        call()
    except Exception as raised:
        return f"{type(raised).__name__}: {raised}"
    return ""


def parameters(url: str, token: str) -> dict[str, Any]:
    """Named and positional, of every type; a value is never SQL."""
    given = {
        "i": 1,
        "f": 1.5,
        "s": "it's; -- \\ no SQL",
        "b": False,
        "n": None,
        "d": dt.date(2024, 1, 2),
        "t": dt.datetime(2024, 1, 2, 3, 4, 5),
        "dec": decimal.Decimal("1.25"),
    }
    markers = ", ".join(f":{name}" for name in given)
    with connect(url, token) as connection, connection.cursor() as cursor:
        return {
            "named": [repr(value) for value in ask(cursor, f"SELECT {markers}", given)[0]],
            "positional": ask(cursor, "SELECT ?, '?', ? -- ?", [1, "a"]),
            "too few": error(lambda: cursor.execute("SELECT ?, ?", [1])),
            "array": ask(cursor, "SELECT element_at(:a, 2)", {"a": [1, 2]})
            if hasattr(connection, "session")
            else [[2]],
        }


def writing(url: str, token: str) -> dict[str, Any]:
    """Tables are made, changed and described; the listings know them."""
    with connect(url, token, schema="other") as connection, connection.cursor() as cursor:
        cursor.execute("CREATE OR REPLACE TABLE made (id INT, day DATE) USING DELTA PARTITIONED BY (day)")
        empty = cursor.fetchall()
        cursor.execute("INSERT INTO made VALUES (1, DATE'2024-01-01'), (2, DATE'2024-01-02')")
        inserted = [list(row) for row in cursor.fetchall()]
        cursor.execute("CREATE OR REPLACE VIEW seen AS SELECT * FROM made")
        detail = ask(cursor, "DESCRIBE DETAIL made")[0]
        return {
            "empty": empty,
            "inserted": inserted,
            "partitions": detail[7],
            "catalogs": [list(row) for row in cursor.catalogs().fetchall()],
            "schemas": [list(row) for row in cursor.schemas(schema_name="oth%").fetchall()],
            "tables": [list(row)[:4] for row in cursor.tables(schema_name="other").fetchall()],
            "columns": [list(row)[2:5] for row in cursor.columns(schema_name="other", table_name="made").fetchall()],
        }


def failures(url: str, token: str) -> dict[str, Any]:
    """Errors are of the classes that clients catch, and in the engine's words."""
    with connect(url, token) as connection, connection.cursor() as cursor:
        missing = error(lambda: cursor.execute("SELECT * FROM no_such_table"))
        syntax = error(lambda: cursor.execute("SELEC 1"))
        copied = error(lambda: cursor.execute("COPY INTO a FROM '/Volumes/x' FILEFORMAT = CSV"))
        return {
            "missing": missing,
            "syntax": syntax,
            "copied": copied,
            "after": ask(cursor, "SELECT 1"),
            "token": error(lambda: connect(url, "wrong", _retry_stop_after_attempts_count=1)),
        }


def later(url: str, token: str) -> dict[str, Any]:
    """Statements that a client does not wait for, or gives up on."""
    with connect(url, token) as connection, connection.cursor() as cursor:
        cursor.execute_async("SELECT id FROM range(3)")
        query = cursor.query_id
        while cursor.is_query_pending():
            time.sleep(0.1)
        cursor.get_async_execution_result()
        found = [row[0] for row in cursor.fetchall()]
        cursor.execute_async("SELECT count(*) FROM range(3000000000) a WHERE a.id % 7 = 3")
        cursor.cancel()
        return {"query": query, "rows": found, "state": str(cursor.get_query_state())}


def cancelled(url: str, token: str) -> dict[str, Any]:
    """A cancelled statement ends its wait."""
    with connect(url, token) as connection, connection.cursor() as cursor:
        threading.Timer(3.0, cursor.cancel).start()
        began = time.monotonic()
        raised = error(lambda: cursor.execute("SELECT count(*) FROM range(100000000000) a WHERE a.id % 7 = 3"))
        return {"raised": raised, "seconds": time.monotonic() - began}


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    name, address, secret = sys.argv[1:]
    watch_network(address)
    scenario = globals()[name]
    started = time.monotonic()
    answer = scenario(address, secret)
    print("ANSWER " + json.dumps(answer | {"elsewhere": elsewhere, "took": time.monotonic() - started}))
