"""DeltaMergeBuilder: collects the clauses of a MERGE and renders the statement."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sandbox.databricks_stub.kernel.delta_tables.expressions import identifier, sql


class DeltaMergeBuilder:
    """What DeltaTable.merge returns; each clause gives a new builder, nothing happens before execute()."""

    def __init__(
        self,
        *,
        spark: Any,
        target: str,
        source: Any,
        condition: Any,
        clauses: tuple[str, ...] = (),
        evolves: bool = False,
    ) -> None:
        self._spark = spark
        self._target = target
        self._source = source
        self._condition = condition
        self._clauses = clauses
        self._evolves = evolves

    def whenMatchedUpdate(self, condition: Any = None, set: Mapping[str, Any] | None = None) -> DeltaMergeBuilder:  # noqa: A002
        """Set columns of a row that has a source row."""
        return self._with("MATCHED", condition, f"UPDATE SET {_assignments(set)}")

    def whenMatchedUpdateAll(self, condition: Any = None) -> DeltaMergeBuilder:
        """Set all columns of a row that has a source row."""
        return self._with("MATCHED", condition, "UPDATE SET *")

    def whenMatchedDelete(self, condition: Any = None) -> DeltaMergeBuilder:
        """Delete a row that has a source row."""
        return self._with("MATCHED", condition, "DELETE")

    def whenNotMatchedInsert(self, condition: Any = None, values: Mapping[str, Any] | None = None) -> DeltaMergeBuilder:
        """Insert a source row that no row has."""
        if not values:
            raise ValueError("whenNotMatchedInsert needs `values`: a dict of column to value")
        # in the column list there is no room for a qualifier
        names = ", ".join(identifier(name).rpartition(".")[2] for name in values)
        return self._with("NOT MATCHED", condition, f"INSERT ({names}) VALUES ({', '.join(map(sql, values.values()))})")

    def whenNotMatchedInsertAll(self, condition: Any = None) -> DeltaMergeBuilder:
        """Insert a source row that no row has, column by column of the same name."""
        return self._with("NOT MATCHED", condition, "INSERT *")

    def whenNotMatchedBySourceUpdate(
        self,
        condition: Any = None,
        set: Mapping[str, Any] | None = None,  # noqa: A002
    ) -> DeltaMergeBuilder:
        """Set columns of a row that has no source row."""
        return self._with("NOT MATCHED BY SOURCE", condition, f"UPDATE SET {_assignments(set)}")

    def whenNotMatchedBySourceDelete(self, condition: Any = None) -> DeltaMergeBuilder:
        """Delete a row that has no source row."""
        return self._with("NOT MATCHED BY SOURCE", condition, "DELETE")

    def withSchemaEvolution(self) -> DeltaMergeBuilder:
        """Let the source bring new columns."""
        return self._copy(evolves=True)

    def statement(self, source: str) -> str:
        """The MERGE, with `source` as the name of its source."""
        if not self._clauses:
            raise ValueError("a merge needs at least one when… clause")
        word = "MERGE WITH SCHEMA EVOLUTION INTO" if self._evolves else "MERGE INTO"
        head = f"{word} {self._target} USING {source}"
        if alias := _alias(self._source):
            head += f" AS {alias}"
        return " ".join((head, f"ON {sql(self._condition)}", *self._clauses))

    def execute(self) -> Any:
        """Do it."""
        view = f"merge_source_{uuid.uuid4().hex}"
        self._source.createOrReplaceTempView(view)
        try:
            return self._spark.sql(self.statement(view))
        finally:
            self._spark.catalog.dropTempView(view)

    def _with(self, when: str, condition: Any, action: str) -> DeltaMergeBuilder:
        extra = "" if condition is None else f" AND ({sql(condition)})"
        return self._copy(clauses=(*self._clauses, f"WHEN {when}{extra} THEN {action}"))

    def _copy(self, **changed: Any) -> DeltaMergeBuilder:
        same = {
            "spark": self._spark,
            "target": self._target,
            "source": self._source,
            "condition": self._condition,
            "clauses": self._clauses,
            "evolves": self._evolves,
        }
        return DeltaMergeBuilder(**(same | changed))


def _assignments(values: Mapping[str, Any] | None) -> str:
    if not values:
        raise ValueError("an update needs `set`: a dict of column to value")
    return ", ".join(f"{identifier(name)} = {sql(value)}" for name, value in values.items())


def _alias(data: Any) -> str:
    plan = getattr(data, "_plan", None)
    return str(plan._alias) if plan is not None and type(plan).__name__ == "SubqueryAlias" else ""  # noqa: SLF001
