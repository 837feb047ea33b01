"""The same SQL on both engines: schemas and rows are equal, but for what docs/databricks.md lists."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.integration.engines.conftest import Engines

pytestmark = [pytest.mark.xdist_group("engines")]

BLOCK = re.compile(r"^-- (?P<name>.+)\n(?P<query>(?:(?!-- ).*\n?)+)", re.MULTILINE)
TEXT = Path(__file__).with_name("agreement.sql").read_text(encoding="utf-8").partition("\n\n")[2]
QUERIES = {found["name"]: found["query"].strip() for found in BLOCK.finditer(TEXT)}
SAIL_REFUSES = {"pivot", "qualify", "group by all", "star except", "variant"}
SPARK_REFUSES = {"an int that overflows", "a condition of no type"}
OTHERWISE = {"bround", "days between", "a date minus a date"}
"""Of another type: docs/databricks.md says how."""
BOTH_REFUSE = {"a cast that fails", "division by zero", "beyond an array"}

ASK = """
import json
def ask(query):
    try:
        data = spark.sql(query)
        return [[field.dataType.simpleString() for field in data.schema.fields],
                sorted(json.dumps(row, default=str) for row in rows(data))]
    except Exception as error:
        return f"{type(error).__name__}: {error}"
found = {name: ask(query) for name, query in %r.items()}
"""
PARAMETERS = """
import datetime, decimal
args = {"text": "it's :text \\\\ ?", "number": 7, "day": datetime.date(2024, 2, 29), "amount": decimal.Decimal("1.50"),
        "list": [1, 2], "nothing": None, "yes": True}
found = [
    rows(spark.sql("select :text, :number + 1, :day, cast(:amount as string), :list, :nothing, :yes, ':text'", args)),
    rows(spark.sql("select ?, ?", args=["a", 2])),
    rows(spark.sql("select count(*) from {data} where id < 2", data=spark.range(3))),
    error_of(lambda: spark.sql("select :missing", args={"other": 1}).collect()),
]
"""


@pytest.fixture(scope="module")
def answers(engines: Engines) -> dict[str, dict[str, Any]]:
    """What each engine says to each query."""
    return {name: engines[name].run(ASK % (QUERIES,)) for name in ("sail", "spark")}


@pytest.mark.parametrize("query", sorted(QUERIES.keys() - SAIL_REFUSES - SPARK_REFUSES - OTHERWISE - BOTH_REFUSE))
def test_the_engines_agree(answers: dict[str, dict[str, Any]], query: str) -> None:
    """Types and rows."""
    assert not isinstance(answers["spark"][query], str)
    assert answers["sail"][query] == answers["spark"][query]


def test_known_differences_are_still_there(answers: dict[str, dict[str, Any]]) -> None:
    """Who refuses what; when one of these fails, the gap is closed, and the docs can say so."""
    refused = {
        name: {query for query, found in said.items() if isinstance(found, str)} for name, said in answers.items()
    }

    assert refused == {"sail": SAIL_REFUSES | BOTH_REFUSE, "spark": SPARK_REFUSES | BOTH_REFUSE}
    assert {query for query in OTHERWISE if answers["sail"][query] == answers["spark"][query]} == set()


def test_what_both_refuse_is_of_one_kind(answers: dict[str, dict[str, Any]]) -> None:
    """A notebook that catches an error catches it on both."""
    kinds = [{query: said[query].partition(":")[0] for query in BOTH_REFUSE} for said in answers.values()]

    assert kinds[0] == kinds[1]


def test_parameters_of_sql(engines: Engines) -> None:
    """Named ones, those by position, and {names}; a value is never SQL, and one that is missing is an error."""
    sail, spark = (json.loads(json.dumps(engines[name].run(PARAMETERS))) for name in ("sail", "spark"))

    assert spark[0] == [["it's :text \\ ?", 8, "2024-02-29", "1.50", [1, 2], None, True, ":text"]]
    assert spark[1:3] == [[["a", 2]], [[2]]]
    assert sail[:3] == spark[:3]
    assert "no error" not in (sail[3], spark[3])
