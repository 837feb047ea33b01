"""What the engines refuse: the table of docs/databricks.md, statement by statement; never a silent success."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.docs.pages import text
from tests.integration.engines.engine_process import Engine

pytestmark = [pytest.mark.xdist_group("engines")]

ROW = re.compile(r"^\| `(?P<written>.+?)` \| (?P<sail>refused|runs) \| (?P<spark>refused|runs) \|", re.MULTILINE)
SECTION = text("docs/databricks.md").partition("\n### What the engines refuse\n")[2].partition("\n#")[0]
ROWS = {row["written"]: {"sail": row["sail"], "spark": row["spark"]} for row in ROW.finditer(SECTION)}

TRY = """
spark.sql("create table t as select 1 as id, 'a' as s")
spark.sql("create table other as select 1 as id")
spark.sql("create table parts (id int, p string) partitioned by (p)")
spark.sql("insert into parts values (1, 'x')")
try:
    spark.sql("create table feed (id int) tblproperties (delta.enableChangeDataFeed = true)")
except Exception:
    spark.sql("create table feed (id int)")
def attempt(written):
    if not written.startswith("spark."):
        return spark.sql(written).collect()
    made = eval(written)
    return made.collect() if hasattr(type(made), "collect") else made.awaitTermination()
found = {written: error_of(lambda: attempt(written)) for written in %r}
found["what is left"] = [rows(spark.table(name)) for name in ("t", "parts")]
for name in ("t", "other", "parts", "feed", "fed", "kept", "like_t", "shallow"):
    spark.sql(f"drop table if exists {name}")
"""


@pytest.fixture(scope="module")
def said(engine: Engine) -> Mapping[str, Any]:
    """How each statement ends."""
    found: Mapping[str, Any] = engine.run(TRY % (list(ROWS),))
    return found


def test_the_table_has_rows() -> None:
    """A row in another form would be a statement that nobody tries."""
    lines = [line for line in SECTION.splitlines() if line.startswith("| `")]

    assert len(lines) == len(ROWS) > 30


@pytest.mark.parametrize("written", ROWS)
def test_what_is_refused_fails(engine: Engine, said: Mapping[str, Any], written: str) -> None:
    """Each statement is refused, or runs, as the page says."""
    ended = said[written]

    assert ("runs" if ended == "no error" else "refused") == ROWS[written][engine.name], ended


def test_what_is_refused_changes_nothing(engine: Engine, said: Mapping[str, Any]) -> None:
    """But for what runs: an UPDATE on Sail."""
    assert said["what is left"] == [[[1, "x" if engine.name == "sail" else "a"]], [[1, "x"]]]
