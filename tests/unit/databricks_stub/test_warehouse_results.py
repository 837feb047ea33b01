"""What the protocol of SQL warehouses gives back: rows, types, parts, listings."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from sandbox.databricks_stub.notebook import Column, SqlResult
from sandbox.databricks_stub.warehouse_protocol import messages as m
from sandbox.databricks_stub.warehouse_protocol import service
from tests.unit.databricks_stub.fakes import Harness
from tests.unit.databricks_stub.warehouse_client import (
    ALL,
    call,
    ended,
    execute,
    fetch,
    opened,
)


def test_rows_come_in_parts(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each begins where the last one ended; FETCH_FIRST begins again; other ways are refused."""
    monkeypatch.setattr(service, "CHUNK_ROWS", 3)
    handle = execute(harness, opened(harness), "select 7", getDirectResults=None).operationHandle
    ended(harness, handle)

    parts = [fetch(harness, handle, maxRows=most) for most in (2, 100, 100)]
    again = fetch(harness, handle, orientation=m.Orientation.FIRST, maxRows=1, includeResultSetMetadata=True)
    back = fetch(harness, handle, orientation=1)

    assert [(part.results.startRowOffset, part.hasMoreRows) for part in parts] == [(0, True), (2, True), (5, False)]
    assert [part.results.columns[0].i32Val.values for part in parts] == [[0, 1], [2, 3, 4], [5, 6]]
    assert again.results.columns[0].i32Val.values == [0]
    assert again.resultSetMetadata.resultFormat == m.COLUMN_BASED_SET
    assert "forwards only" in back.status.errorMessage


def test_values_of_every_type(harness: Harness) -> None:
    """Each in its own kind of column; NULL is a bit beside it; what has no kind is a text."""
    values: dict[str, tuple[str, Any]] = {
        "BOOLEAN": ("boolVal", True),
        "BYTE": ("byteVal", 1),
        "SHORT": ("i16Val", 2),
        "INT": ("i32Val", 3),
        "LONG": ("i64Val", 4),
        "FLOAT": ("doubleVal", 1.5),
        "DOUBLE": ("doubleVal", float("inf")),
        "STRING": ("stringVal", "ä"),
        "DATE": ("stringVal", "2024-01-02"),
        "ARRAY": ("stringVal", [1, 2]),
        "STRUCT": ("stringVal", {"a": None}),
        "VARIANT": ("stringVal", 5),
    }
    columns = tuple(Column(name=name, type_text=name, type_name=name) for name in values)
    rows: list[list[Any]] = [[value for _, value in values.values()], [None] * len(values)]
    harness.runner.results["all"] = SqlResult(columns=columns, rows=rows)

    found = execute(harness, opened(harness), "all").directResults.resultSet.results.columns

    kinds = [getattr(column, kind) for column, (kind, _) in zip(found, values.values(), strict=True)]
    assert [kind.values[0] for kind in kinds[:9]] == [value for _, value in values.values()][:9]
    assert [kind.values[0] for kind in kinds[9:]] == ["[1,2]", '{"a":null}', "5"]
    assert {kind.nulls for kind in kinds} == {b"\x02"}


def test_values_that_travel_as_texts(harness: Harness) -> None:
    """Decimals say their precision, instants their zone; bytes are bytes."""
    columns = (
        Column(name="d", type_text="DECIMAL(10,2)", type_name="DECIMAL"),
        Column(name="t", type_text="TIMESTAMP", type_name="TIMESTAMP"),
        Column(name="n", type_text="TIMESTAMP_NTZ", type_name="TIMESTAMP"),
        Column(name="b", type_text="BINARY", type_name="BINARY"),
    )
    row = ["1.50", "2024-01-02T03:04:05", "2024-01-02T03:04:05.5", base64.b64encode(b"\x00").decode()]
    harness.runner.results["all"] = SqlResult(columns=columns, rows=[row])

    direct = execute(harness, opened(harness), "all").directResults

    decimal, time, wall, binary = direct.resultSet.results.columns
    assert decimal.stringVal.values == ["1.50"]
    assert (time.stringVal.values, wall.stringVal.values) == (["2024-01-02 03:04:05+00:00"], ["2024-01-02 03:04:05.5"])
    assert binary.binaryVal.values == [b"\x00"]
    entry = direct.resultSetMetadata.schema.columns[0].typeDesc.types[0].primitiveEntry
    assert {name: value.i32Value for name, value in entry.typeQualifiers.qualifiers.items()} == {
        "precision": 10,
        "scale": 2,
    }


def test_a_change_says_how_many_rows(harness: Harness) -> None:
    """Clients call that rowcount."""
    column = Column(name="num_affected_rows", type_text="BIGINT", type_name="LONG")
    harness.runner.results["update"] = SqlResult(columns=(column,), rows=[[5]])

    status = execute(harness, opened(harness), "update").directResults.operationStatus

    assert status.numModifiedRows == 5


def test_a_part_never_passes_for_the_whole(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows than the workspace gives are an error, unless the client wanted no more."""
    monkeypatch.setattr(service, "WHOLE_RESULT_ROWS", 4)
    session = opened(harness)

    whole = execute(harness, session, "select 9").directResults.operationStatus
    some = execute(harness, session, "select 9", resultRowLimit=2).directResults

    assert whole.operationState == m.OperationState.ERROR
    assert "more than 4 rows" in whole.displayMessage
    assert some.resultSet.results.columns[0].i32Val.values == [0, 1]


def test_listings(harness: Harness) -> None:
    """Of catalogs, schemas, tables and columns, by pattern; made of what the engine tells."""
    texts = ("namespace", "tableName", "viewName", "col_name", "data_type", "comment")
    column = {name: Column(name=name, type_text="STRING", type_name="STRING") for name in texts}
    temporary = Column(name="isTemporary", type_text="BOOLEAN", type_name="BOOLEAN")
    tables = (column["namespace"], column["tableName"], temporary)
    views = (column["namespace"], column["viewName"], temporary)
    described = (column["col_name"], column["data_type"], column["comment"])
    harness.runner.results |= {
        "SHOW SCHEMAS": SqlResult(columns=(column["namespace"],), rows=[["default"], ["o_her"]]),
        "SHOW TABLES IN `default`": SqlResult(
            columns=tables, rows=[["default", "seen", False], ["default", "made", False], ["", "temporary", True]]
        ),
        "SHOW VIEWS IN `default`": SqlResult(columns=views, rows=[["default", "seen", False]]),
        "DESCRIBE TABLE `default`.`made`": SqlResult(
            columns=described, rows=[["id", "int", None], ["day", "date", "of it"], ["# Partitions", "", ""]]
        ),
    }
    session = opened(harness)

    def listed(name: str, request: Any) -> list[list[Any]]:
        answer = call(harness, name, request, m.OperationResp)
        assert answer.status.statusCode == m.StatusCode.SUCCESS, answer.status.errorMessage
        found = answer.directResults.resultSet.results.columns
        return [(column.stringVal or column.i32Val).values for column in found]

    given = {"sessionHandle": session, "getDirectResults": ALL}
    assert listed("GetCatalogs", m.CatalogsReq(**given)) == [["projects"]]
    assert listed("GetSchemas", m.SchemasReq(**given, schemaName="O\\_h%"))[0] == ["o_her"]
    assert listed("GetSchemas", m.SchemasReq(**given, catalogName="elsewhere"))[0] == []
    found = listed("GetTables", m.TablesReq(**given, schemaName="default"))
    assert (found[2], found[3]) == (["made", "seen"], ["TABLE", "VIEW"])
    assert listed("GetTables", m.TablesReq(**given, schemaName="default", tableTypes=["view"]))[2] == ["seen"]
    found = listed("GetColumns", m.ColumnsReq(**given, schemaName="default", tableName="made", columnName="_a_"))
    assert (found[3], found[4], found[5], found[6]) == (["day"], ["DATE"], ["of it"], [2])


def test_a_listing_that_fails_says_why(harness: Harness) -> None:
    """With the engine's words."""
    request = m.SchemasReq(sessionHandle=opened(harness), getDirectResults=ALL)

    status = call(harness, "GetSchemas", request, m.OperationResp).status

    assert (status.statusCode, status.errorMessage) == (m.StatusCode.ERROR, "cannot resolve SCHEMAS")


def test_what_a_client_may_ask_about_the_server(harness: Harness) -> None:
    """Its name and version; other questions are refused."""
    session = opened(harness)

    known, unknown = (
        call(harness, "GetInfo", m.InfoReq(sessionHandle=session, infoType=number), m.InfoResp) for number in (17, 999)
    )

    assert known.infoValue.stringValue == "Spark SQL"
    assert unknown.status.statusCode == m.StatusCode.ERROR
