"""The messages of TCLIService that are served: names, field numbers and types, as data for the Thrift library.

Only the fields that are read or written here; the library skips what it does not find. There is no generated code and
no compiler of interface definitions: TBase reads and writes whatever has a `thrift_spec`.
"""

# The numbers are facts of the protocol: HiveServer2's are below 100, Databricks' own begin at 0x501 and 0xD01.
# Measured 2026-11 on databricks-sql-connector 4.0.5 and 4.9.0: both number all of these fields alike.

from __future__ import annotations

from enum import IntEnum
from typing import Any

from thrift.protocol.TBase import TBase
from thrift.Thrift import TType

BOOL, BYTE, I16, I32, I64, DOUBLE = TType.BOOL, TType.BYTE, TType.I16, TType.I32, TType.I64, TType.DOUBLE
TEXT, BINARY = "UTF8", "BINARY"
"""The two kinds of Thrift's string."""


class StatusCode(IntEnum):
    """How a call went."""

    SUCCESS = 0
    ERROR = 3
    INVALID_HANDLE = 4


class OperationState(IntEnum):
    """What has become of an operation."""

    RUNNING = 1
    FINISHED = 2
    CANCELED = 3
    CLOSED = 4
    ERROR = 5
    PENDING = 7


class OperationType(IntEnum):
    """What made an operation."""

    EXECUTE_STATEMENT = 0
    GET_CATALOGS = 2
    GET_SCHEMAS = 3
    GET_TABLES = 4
    GET_COLUMNS = 6


class Orientation(IntEnum):
    """From where to fetch."""

    NEXT = 0
    FIRST = 4


COLUMN_BASED_SET = 1
"""The one form of results here; Arrow would need a library several times as large as the rest of the workspace."""
PROTOCOL = 42248
"""SPARK_CLI_SERVICE_PROTOCOL_V8: the first with parameters, which clients look for."""


def _kind(kind: Any) -> tuple[int, Any]:
    """A type as `thrift_spec` has it: its number, and what it consists of."""
    if isinstance(kind, list):
        return TType.LIST, (*_kind(kind[0]), False)
    if isinstance(kind, dict):
        ((key, value),) = kind.items()
        return TType.MAP, (*_kind(key), *_kind(value), False)
    if isinstance(kind, str):
        return TType.STRING, kind
    return (kind, None) if isinstance(kind, int) else (TType.STRUCT, [kind, kind.thrift_spec])


def _struct(name: str, *fields: tuple[int, Any, str]) -> Any:
    """A class for a message; its fields are attributes, None when missing."""
    spec: list[Any] = [None] * (max((number for number, _, _ in fields), default=0) + 1)
    for number, kind, field in fields:
        code, details = _kind(kind)
        spec[number] = (number, code, field, details, None)
    names = tuple(field for _, _, field in fields)

    def init(self: Any, **values: Any) -> None:
        for field in names:
            setattr(self, field, values.pop(field, None))
        if values:
            raise TypeError(f"{name} has no field {', '.join(values)}")

    return type(name, (TBase,), {"thrift_spec": tuple(spec), "__init__": init, "__slots__": names})


# fmt: off
Status = _struct(
    "TStatus", (1, I32, "statusCode"), (3, TEXT, "sqlState"), (4, I32, "errorCode"), (5, TEXT, "errorMessage"),
    (6, TEXT, "displayMessage"))
Handle = _struct("THandleIdentifier", (1, BINARY, "guid"), (2, BINARY, "secret"))
SessionHandle = _struct("TSessionHandle", (1, Handle, "sessionId"), (0xD01, I32, "serverProtocolVersion"))
OperationHandle = _struct(
    "TOperationHandle", (1, Handle, "operationId"), (2, I32, "operationType"), (3, BOOL, "hasResultSet"),
    (4, DOUBLE, "modifiedRowCount"))
Namespace = _struct("TNamespace", (1, TEXT, "catalogName"), (2, TEXT, "schemaName"))

OpenSessionReq = _struct(
    "TOpenSessionReq", (1, I32, "client_protocol"), (4, {TEXT: TEXT}, "configuration"),
    (0x504, Namespace, "initialNamespace"), (0x505, BOOL, "canUseMultipleCatalogs"))
OpenSessionResp = _struct(
    "TOpenSessionResp", (1, Status, "status"), (2, I32, "serverProtocolVersion"), (3, SessionHandle, "sessionHandle"),
    (4, {TEXT: TEXT}, "configuration"), (0x504, Namespace, "initialNamespace"),
    (0x505, BOOL, "canUseMultipleCatalogs"))
SessionReq = _struct("TCloseSessionReq", (1, SessionHandle, "sessionHandle"))
StatusResp = _struct("TCloseSessionResp", (1, Status, "status"))
InfoValue = _struct("TGetInfoValue", (1, TEXT, "stringValue"))
InfoReq = _struct("TGetInfoReq", (1, SessionHandle, "sessionHandle"), (2, I32, "infoType"))
InfoResp = _struct("TGetInfoResp", (1, Status, "status"), (2, InfoValue, "infoValue"))

TypeQualifierValue = _struct("TTypeQualifierValue", (1, I32, "i32Value"), (2, TEXT, "stringValue"))
TypeQualifiers = _struct("TTypeQualifiers", (1, {TEXT: TypeQualifierValue}, "qualifiers"))
PrimitiveType = _struct("TPrimitiveTypeEntry", (1, I32, "type"), (2, TypeQualifiers, "typeQualifiers"))
TypeEntry = _struct("TTypeEntry", (1, PrimitiveType, "primitiveEntry"))
TypeDesc = _struct("TTypeDesc", (1, [TypeEntry], "types"))
ColumnDesc = _struct(
    "TColumnDesc", (1, TEXT, "columnName"), (2, TypeDesc, "typeDesc"), (3, I32, "position"), (4, TEXT, "comment"))
TableSchema = _struct("TTableSchema", (1, [ColumnDesc], "columns"))
MetadataResp = _struct(
    "TGetResultSetMetadataResp", (1, Status, "status"), (2, TableSchema, "schema"), (0x501, I32, "resultFormat"),
    (0x502, BOOL, "lz4Compressed"), (0x507, BOOL, "isStagingOperation"))

BoolColumn = _struct("TBoolColumn", (1, [BOOL], "values"), (2, BINARY, "nulls"))
ByteColumn = _struct("TByteColumn", (1, [BYTE], "values"), (2, BINARY, "nulls"))
I16Column = _struct("TI16Column", (1, [I16], "values"), (2, BINARY, "nulls"))
I32Column = _struct("TI32Column", (1, [I32], "values"), (2, BINARY, "nulls"))
I64Column = _struct("TI64Column", (1, [I64], "values"), (2, BINARY, "nulls"))
DoubleColumn = _struct("TDoubleColumn", (1, [DOUBLE], "values"), (2, BINARY, "nulls"))
StringColumn = _struct("TStringColumn", (1, [TEXT], "values"), (2, BINARY, "nulls"))
BinaryColumn = _struct("TBinaryColumn", (1, [BINARY], "values"), (2, BINARY, "nulls"))
Column = _struct(
    "TColumn", (1, BoolColumn, "boolVal"), (2, ByteColumn, "byteVal"), (3, I16Column, "i16Val"),
    (4, I32Column, "i32Val"), (5, I64Column, "i64Val"), (6, DoubleColumn, "doubleVal"), (7, StringColumn, "stringVal"),
    (8, BinaryColumn, "binaryVal"))
Unread = _struct("")
RowSet = _struct("TRowSet", (1, I64, "startRowOffset"), (2, [Unread], "rows"), (3, [Column], "columns"))
FetchReq = _struct(
    "TFetchResultsReq", (1, OperationHandle, "operationHandle"), (2, I32, "orientation"), (3, I64, "maxRows"),
    (0x501, I64, "maxBytes"), (0x503, BOOL, "includeResultSetMetadata"))
FetchResp = _struct(
    "TFetchResultsResp", (1, Status, "status"), (2, BOOL, "hasMoreRows"), (3, RowSet, "results"),
    (0x501, MetadataResp, "resultSetMetadata"))

OperationReq = _struct("TGetOperationStatusReq", (1, OperationHandle, "operationHandle"))
OperationStatusResp = _struct(
    "TGetOperationStatusResp", (1, Status, "status"), (2, I32, "operationState"), (3, TEXT, "sqlState"),
    (4, I32, "errorCode"), (5, TEXT, "errorMessage"), (9, BOOL, "hasResultSet"), (11, I64, "numModifiedRows"),
    (0x501, TEXT, "displayMessage"), (0x502, TEXT, "diagnosticInfo"))

GetDirectResults = _struct("TSparkGetDirectResults", (1, I64, "maxRows"), (2, I64, "maxBytes"))
DirectResults = _struct(
    "TSparkDirectResults", (1, OperationStatusResp, "operationStatus"), (2, MetadataResp, "resultSetMetadata"),
    (3, FetchResp, "resultSet"), (4, StatusResp, "closeOperation"))
ParameterValue = _struct(
    "TSparkParameterValue", (1, TEXT, "stringValue"), (2, DOUBLE, "doubleValue"), (3, BOOL, "booleanValue"))
ParameterArgument = _struct(
    "TSparkParameterValueArg", (1, TEXT, "type"), (2, TEXT, "value"), (3, [Unread], "arguments"))
Parameter = _struct(
    "TSparkParameter", (1, I32, "ordinal"), (2, TEXT, "name"), (3, TEXT, "type"), (4, ParameterValue, "value"),
    (5, [ParameterArgument], "arguments"))
ExecuteReq = _struct(
    "TExecuteStatementReq", (1, SessionHandle, "sessionHandle"), (2, TEXT, "statement"), (4, BOOL, "runAsync"),
    (0x501, GetDirectResults, "getDirectResults"), (0x507, I64, "resultRowLimit"), (0x508, [Parameter], "parameters"))
OperationResp = _struct(
    "TExecuteStatementResp", (1, Status, "status"), (2, OperationHandle, "operationHandle"),
    (0x501, DirectResults, "directResults"))

CatalogsReq = _struct(
    "TGetCatalogsReq", (1, SessionHandle, "sessionHandle"), (0x501, GetDirectResults, "getDirectResults"))
SchemasReq = _struct(
    "TGetSchemasReq", (1, SessionHandle, "sessionHandle"), (2, TEXT, "catalogName"), (3, TEXT, "schemaName"),
    (0x501, GetDirectResults, "getDirectResults"))
TablesReq = _struct(
    "TGetTablesReq", (1, SessionHandle, "sessionHandle"), (2, TEXT, "catalogName"), (3, TEXT, "schemaName"),
    (4, TEXT, "tableName"), (5, [TEXT], "tableTypes"), (0x501, GetDirectResults, "getDirectResults"))
ColumnsReq = _struct(
    "TGetColumnsReq", (1, SessionHandle, "sessionHandle"), (2, TEXT, "catalogName"), (3, TEXT, "schemaName"),
    (4, TEXT, "tableName"), (5, TEXT, "columnName"), (0x501, GetDirectResults, "getDirectResults"))
# fmt: on


def call_of(request: Any) -> Any:
    """The arguments of a call, which are a message of their own around its request."""
    return _struct("args", (1, request, "req"))


def reply_of(response: Any) -> Any:
    """The result of a call: a message of its own around its response."""
    return _struct("result", (0, response, "success"))
