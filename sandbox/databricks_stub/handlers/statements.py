"""SQL statements and the one SQL warehouse they run on."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from sandbox.databricks_stub.context import Call
from sandbox.databricks_stub.errors import invalid_parameter, not_found
from sandbox.databricks_stub.schemas import Json
from sandbox.databricks_stub.settings import WAREHOUSE_ID
from sandbox.databricks_stub.store.statements import Statement
from sandbox.databricks_stub.user import USER

REQUEST_KEYS = ("statement", "warehouse_id", "catalog", "schema", "parameters", "row_limit")
# Documented: https://docs.databricks.com/api/workspace/statementexecution/executestatement - 0s, or 5s to 50s.
WAIT_DEFAULT, WAIT_MOST = 10.0, 50.0


def execute(call: Call) -> Json:
    """Accept a statement and wait for it as long as the client asks."""
    call.required_text("statement")
    # Documented: https://docs.databricks.com/api/workspace/statementexecution/executestatement - both are required.
    call.required_text("warehouse_id")
    if call.text("disposition", "INLINE") != "INLINE" or call.text("format", "JSON_ARRAY") != "JSON_ARRAY":
        raise invalid_parameter("This fake workspace answers with disposition INLINE and format JSON_ARRAY only.")
    wait = _wait_seconds(call.text("wait_timeout", f"{WAIT_DEFAULT:g}s"))
    request = {key: call.values[key] for key in REQUEST_KEYS if call.values.get(key) is not None}
    limit = call.integer("row_limit")
    if limit is not None and limit < 1:
        raise invalid_parameter(f"row_limit must be at least 1, not {limit}")
    _check_parameters(call)
    services = call.services
    statement_id = services.workspace.statements.create(request)
    services.statements.submit(statement_id)
    found = services.statements.wait(statement_id, wait)
    if not found.is_terminal and wait and call.text("on_wait_timeout", "CONTINUE") == "CANCEL":
        services.statements.cancel(statement_id)
        found = services.statements.wait(statement_id, 0)
    return statement_json(found)


def get(call: Call) -> Json:
    """A statement with its result, if it has one."""
    return statement_json(_find(call))


def chunk(call: Call) -> Json:
    """A part of the result; there is always exactly one."""
    found = _find(call)
    if found.state != "SUCCEEDED" or call.path_values["chunk_index"] != "0":
        raise invalid_parameter(f"Statement {found.statement_id} has no chunk {call.path_values['chunk_index']}.")
    return _result_json(found)


def cancel(call: Call) -> Json:
    """Give up on a statement."""
    call.services.statements.cancel(_find(call).statement_id)
    return {}


def warehouses(call: Call) -> Json:
    """The one warehouse, under each of its names."""
    found = [_warehouse(call, warehouse_id, name) for warehouse_id, name in _known(call).items()]
    return {"warehouses": found, "endpoints": found}


def warehouse(call: Call) -> Json:
    """The one warehouse; every id names it, as production's ids differ from team to team."""
    known = _known(call)
    warehouse_id = call.path_values["warehouse_id"]
    return _warehouse(call, warehouse_id, known.get(warehouse_id, known[WAREHOUSE_ID]))


def start_warehouse(call: Call) -> Json:
    """Nothing to start: it always runs."""
    return {}


def _known(call: Call) -> dict[str, str]:
    """Names by id: the first has the sandbox's own, the others one that depends on the name only."""
    first, *others = call.services.settings.warehouses
    return {WAREHOUSE_ID: first} | {hashlib.sha256(name.encode()).hexdigest()[:16]: name for name in others}


def _warehouse(call: Call, warehouse_id: str, name: str) -> Json:
    return {
        "id": warehouse_id,
        "name": name,
        "state": "RUNNING",
        "cluster_size": "2X-Small",
        "creator_name": USER,
        "warehouse_type": "PRO",
        "enable_serverless_compute": False,
        "num_clusters": 1,
        "jdbc_url": "",
        "odbc_params": {
            "hostname": call.services.settings.host,
            "path": f"/sql/1.0/warehouses/{warehouse_id}",
            "port": call.services.settings.port,
            "protocol": "http",
        },
    }


def _find(call: Call) -> Statement:
    statement_id = call.path_values["statement_id"]
    found = call.services.workspace.statements.find(statement_id)
    if found is None:
        raise not_found(f"The statement {statement_id} was not found.")
    return found


def _check_parameters(call: Call) -> None:
    # Documented: each has a name; a value that is left out is NULL, a type that is left out STRING. Markers without
    # names, which the values of an unnamed list would fill, exist in the connectors only.
    for position, item in enumerate(call.list("parameters"), start=1):
        if not isinstance(item, dict) or not isinstance(item.get("name"), str) or not item["name"]:
            raise invalid_parameter(f"parameters: item {position} must be an object with a name, a value and a type")
        if isinstance(item.get("value"), (dict, list)) or not isinstance(item.get("type", ""), str):
            raise invalid_parameter(f"parameters: the value and the type of {item['name']!r} must be texts")


def _wait_seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+)s", text)
    if match is None or (0 < int(match[1]) < 5) or int(match[1]) > WAIT_MOST:
        raise invalid_parameter(f"wait_timeout must be 0s or between 5s and 50s, not {text!r}")
    return float(match[1])


def statement_json(statement: Statement) -> Json:
    """A statement as its endpoints give it."""
    status: Json = {"state": statement.state}
    if statement.state == "FAILED":
        status["error"] = {"error_code": "BAD_REQUEST", "message": statement.error or ""}
    answer: Json = {"statement_id": statement.statement_id, "status": status}
    if statement.state != "SUCCEEDED" or statement.result is None:
        return answer
    columns, rows = statement.result["columns"], statement.result["rows"]
    answer["manifest"] = {
        "format": "JSON_ARRAY",
        "schema": {
            "column_count": len(columns),
            "columns": [column | {"position": position} for position, column in enumerate(columns)],
        },
        "total_chunk_count": 1,
        "chunks": [{"chunk_index": 0, "row_offset": 0, "row_count": len(rows)}],
        "total_row_count": len(rows),
        "truncated": statement.result["truncated"],
    }
    answer["result"] = _result_json(statement)
    return answer


def _result_json(statement: Statement) -> Json:
    rows = (statement.result or {}).get("rows", [])
    return {
        "chunk_index": 0,
        "row_offset": 0,
        "row_count": len(rows),
        "data_array": [[_text(value) for value in row] for row in rows],
    }


def _text(value: Any) -> str | None:
    # Documented: in JSON_ARRAY every value is a string or null; arrays, maps and structs are JSON texts.
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"))
