"""spark.sql and spark.table: knows what others have made, and hands over statements that Sail cannot execute itself."""

from __future__ import annotations

from typing import Any

from sandbox.databricks_stub.kernel import bridging
from sandbox.databricks_stub.kernel.sail import delta_commands, describing
from sandbox.databricks_stub.kernel.sail.call import Call
from sandbox.databricks_stub.kernel.sail.commands import COMMANDS
from sandbox.databricks_stub.kernel.sail.readers import check_travel
from sandbox.databricks_stub.kernel.sail.state import SessionState
from sandbox.databricks_stub.kernel.sql_text.clauses import replace_paths
from sandbox.databricks_stub.kernel.sql_text.statements import Verb, name_parts, recognise
from sandbox.databricks_stub.kernel.sql_text.unavailable import refuse

ALL = COMMANDS | delta_commands.COMMANDS | describing.COMMANDS
DEFINITIONS = frozenset(
    {
        Verb.CREATE_TABLE,
        Verb.CREATE_VIEW,
        Verb.CREATE_SCHEMA,
        Verb.DROP_TABLE,
        Verb.DROP_VIEW,
        Verb.DROP_SCHEMA,
    }
)
CHANGES = frozenset({Verb.CREATE_TABLE, Verb.CHANGE, Verb.INSERT, Verb.MERGE, Verb.TRUNCATE})


def install() -> None:
    """Bridge `sql` and `table`."""
    from pyspark.sql.connect.readwriter import DataFrameReader
    from pyspark.sql.connect.session import SparkSession

    bridging.wrap(SparkSession, "sql", _sql)
    bridging.wrap(SparkSession, "table", _table)
    bridging.wrap(DataFrameReader, "table", _reader_table)


def _sql(original: Any) -> Any:
    def sql(self: Any, sqlQuery: str, args: Any = None, **kwargs: Any) -> Any:
        state = SessionState.find(self)
        if state is None:
            return original(self, sqlQuery, args, **kwargs)
        refuse(sqlQuery)
        state.mirror.sync()
        text = state.names.statement(replace_paths(sqlQuery, state.volumes.resolve))
        statement = recognise(text)

        def run(text: str = text) -> Any:
            return original(self, text, args, **kwargs)

        command = ALL.get(statement.verb)
        call = Call(spark=self, state=state, statement=statement, text=text, run=run)
        found = command(call) if command else run()
        if statement.verb in DEFINITIONS and found.columns == ["value"]:
            # Measured 2026-11, pysail 0.7.2: a row with `true`, where Databricks and Spark answer with nothing
            return call.nothing()
        return counted(found) if statement.verb in CHANGES else found

    return sql


def counted(found: Any) -> Any:
    # Sail counts rows in an unsigned type that Spark does not have, in a column of another name.
    # Documented: https://docs.databricks.com/sql/language-manual/delta-merge-into (num_affected_rows)
    if found.columns != ["count"]:
        return found
    return found.selectExpr("CAST(`count` AS BIGINT) AS num_affected_rows")


def _table(original: Any) -> Any:
    def table(self: Any, tableName: str) -> Any:
        return _read(original, self, tableName, SessionState.find(self))

    return table


def _reader_table(original: Any) -> Any:
    def table(self: Any, tableName: str) -> Any:
        state = SessionState.find(self._client)
        if state is not None:
            check_travel(self)
        return _read(original, self, tableName, state)

    return table


def _read(original: Any, reader: Any, name: str, state: SessionState | None) -> Any:
    if state is None:
        return original(reader, name)
    state.mirror.sync()
    spelled = state.names.table_text(name)
    found = original(reader, spelled)
    # Measured 2026-11, pysail 0.7.2: select("Name.*") gives no columns when the table is called otherwise, say, `name`
    return found if spelled == name else found.alias(name_parts(name)[-1])
