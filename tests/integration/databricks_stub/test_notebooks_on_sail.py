"""Notebooks with Spark: tables that the next notebook sees, SQL cells, statements, two notebooks at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from sandbox.databricks_stub.assembly import assemble
from sandbox.databricks_stub.notebook import SqlError, SqlResult
from tests.integration.databricks_stub.conftest import ROOT, wait_until
from tests.integration.databricks_stub.notebook_runs import Bench, bench, free_port, magic, sail_server, shown, source

AWS = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A runner with a Spark engine of its own."""
    folder = tmp_path_factory.mktemp("sail")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**AWS, "PYTHONPATH": str(ROOT)}.items():
            patch.setenv(name, value)
        with sail_server(folder, AWS) as remote, bench(folder, engine="sail", remote=remote) as made:
            yield made


def sql(notebooks: Bench, statement: str, *parameters: dict[str, str]) -> SqlResult:
    """A statement as the statement API executes it."""
    return notebooks.runner.sql(statement, parameters, catalog="projects", schema="default", row_limit=100)


def test_a_notebook_has_a_session_in_the_default_schema(notebooks: Bench) -> None:
    outcome = notebooks.run(source("print(*spark.sql('SELECT current_catalog(), current_database()').first())"))
    assert outcome.succeeded, outcome.error_trace
    assert shown(outcome, 1) == "projects default\n"


def test_the_next_notebook_and_the_statements_see_a_table(notebooks: Bench) -> None:
    write = (
        "spark.createDataFrame([(1, 'a'), (2, None)], 'Id int, Name string').write.saveAsTable('projects.default.seen')"
    )
    for text in (write, "assert spark.table('seen').count() == 2"):
        outcome = notebooks.run(source(text))
        assert outcome.succeeded, outcome.error_trace
    assert (notebooks.settings.warehouse_dir / "default" / "seen" / "_delta_log").is_dir()
    found = sql(notebooks, "SELECT * FROM seen ORDER BY Id")
    assert [(column.name, column.type_name) for column in found.columns] == [("Id", "INT"), ("Name", "STRING")]
    assert found.rows == [[1, "a"], [2, None]]
    assert sql(notebooks, "SELECT Name FROM seen WHERE Id = :id", {"name": "id", "value": "1"}).rows == [["a"]]


def test_unity_catalog_has_what_statements_made(notebooks: Bench) -> None:
    """A schema, a managed and an external table, a view."""
    elsewhere = notebooks.folder / "elsewhere"
    for statement in (
        "CREATE SCHEMA silver",
        "CREATE TABLE silver.managed (x INT) USING delta",
        f"CREATE TABLE silver.external (x INT) USING delta LOCATION '{elsewhere}'",
        "CREATE VIEW silver.seen AS SELECT x FROM silver.managed",
    ):
        sql(notebooks, statement)
    workspace = assemble(replace(notebooks.settings, token="token"), notebooks.runner)
    schema = {"catalog_name": "projects", "schema_name": "silver"}

    async def listed(kind: str) -> list[dict[str, str]]:
        transport = httpx.ASGITransport(app=workspace.app)
        headers = {"Authorization": "Bearer token"}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1", headers=headers) as client:
            answer = await client.get(f"/api/2.1/unity-catalog/{kind}", params=schema)
            return list(answer.json()[kind])

    schemas, tables = asyncio.run(listed("schemas")), asyncio.run(listed("tables"))
    workspace.services.workspace.close()

    assert "silver" in [item["name"] for item in schemas]
    assert [(table["name"], table["table_type"], table.get("storage_location")) for table in tables] == [
        ("external", "EXTERNAL", elsewhere.as_uri()),
        ("managed", "MANAGED", (notebooks.settings.warehouse_dir / "silver" / "managed").as_uri()),
        ("seen", "VIEW", None),
    ]


def test_sql_cells_leave_their_result_and_take_widgets(notebooks: Bench) -> None:
    outcome = notebooks.run(
        source(
            "dbutils.widgets.text('n', '2')",
            magic("%sql\nCREATE OR REPLACE TEMP VIEW few AS SELECT explode(sequence(1, 5)) AS i;\n"
                  "SELECT i FROM few WHERE i <= CAST(:n AS INT) -- ; here"),
            "print(sorted(row.i for row in _sqldf.collect()))",
            "display(spark.range(3))",
        )
    )  # fmt: skip
    assert outcome.succeeded, outcome.error_trace
    assert shown(outcome, 3) == "[1, 2]\n"
    assert shown(outcome, 4) == "id\n0\n1\n2"


def test_merge_makes_a_table_equal_to_its_source(notebooks: Bench) -> None:
    merge = """
        MERGE INTO projects.default.target AS t USING s ON t.Id = s.Id
        WHEN MATCHED AND NOT (t.V <=> s.V) THEN UPDATE SET *
        WHEN NOT MATCHED THEN INSERT *
        WHEN NOT MATCHED BY SOURCE THEN DELETE"""
    outcome = notebooks.run(
        source(
            "spark.sql('CREATE OR REPLACE TABLE target AS SELECT 1 AS Id, 1 AS V UNION ALL SELECT 2, 2')",
            "spark.sql('SELECT 2 AS Id, 9 AS V UNION ALL SELECT 3, 3').createOrReplaceTempView('s')",
            f'spark.sql("""{merge}""")',
        )
    )
    assert outcome.succeeded, outcome.error_trace
    assert sql(notebooks, "SELECT * FROM target ORDER BY Id").rows == [[2, 9], [3, 3]]


def test_delta_table_merges(notebooks: Bench) -> None:
    outcome = notebooks.run(
        source(
            "spark.sql('CREATE OR REPLACE TABLE projects.default.through_api AS SELECT 1 AS Id, 1 AS V')",
            "from delta.tables import DeltaTable\n"
            "new = spark.sql('SELECT 1 AS Id, 5 AS V UNION ALL SELECT 2, 6').alias('s')\n"
            "table = DeltaTable.forName(spark, 'projects.default.through_api').alias('t')\n"
            "table.merge(new, 't.Id = s.Id').whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()",
        )
    )
    assert outcome.succeeded, outcome.error_trace
    assert sql(notebooks, "SELECT * FROM through_api ORDER BY Id").rows == [[1, 5], [2, 6]]


def test_a_dropped_table_is_gone_everywhere(notebooks: Bench) -> None:
    sql(notebooks, "CREATE TABLE dropped AS SELECT 1 AS a")
    outcome = notebooks.run(source("assert spark.table('dropped').count() == 1\nspark.sql('DROP TABLE dropped')"))
    assert outcome.succeeded, outcome.error_trace
    with pytest.raises(SqlError, match="dropped"):
        sql(notebooks, "SELECT * FROM dropped")


def test_a_wrong_query_fails_the_cell_in_one_line(notebooks: Bench) -> None:
    outcome = notebooks.run(source("spark.table('projects.default.none').collect()"))
    assert not outcome.succeeded
    assert outcome.failed_notebook_cell == 1
    assert outcome.error is not None
    assert "\n" not in outcome.error
    assert "none" in outcome.error


def test_temporary_views_belong_to_one_notebook(notebooks: Bench) -> None:
    for number in (1, 2):
        outcome = notebooks.run(
            source("assert 'mine' not in [t.name for t in spark.catalog.listTables()]",
                   f"spark.range({number}).createOrReplaceTempView('mine')")
        )  # fmt: skip
        assert outcome.succeeded, outcome.error_trace


def test_two_notebooks_at_once_do_not_disturb_each_other(notebooks: Bench) -> None:
    def run(number: int) -> str | None:
        outcome = notebooks.run(
            source(
                f"spark.range({number + 1}).createOrReplaceTempView('source')",
                f"spark.table('source').write.mode('overwrite').saveAsTable('projects.default.beside_{number}')",
                f"dbutils.notebook.exit(spark.table('projects.default.beside_{number}').count())",
            ),
            name=f"beside{number}.py",
        )
        assert outcome.succeeded, outcome.error_trace
        return outcome.exit_value

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, range(6))) == ["1", "2", "3", "4", "5", "6"]


def test_a_killed_kernel_leaves_the_tables_consistent(notebooks: Bench) -> None:
    sql(notebooks, "CREATE OR REPLACE TABLE kept AS SELECT 1 AS a")
    outcome = notebooks.run(
        source("spark.sql('INSERT INTO kept SELECT 2')\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    )
    assert "SIGKILL" in (outcome.error or "")
    assert sql(notebooks, "SELECT * FROM kept ORDER BY a").rows == [[1], [2]]


def test_a_killed_engine_is_a_clear_failure_and_its_successor_knows_the_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**AWS, "PYTHONPATH": str(ROOT)}.items():
        monkeypatch.setenv(name, value)
    port = free_port()
    begun = tmp_path / "begun"
    wait = f"open({str(begun)!r}, 'w').close()\nimport time\ntime.sleep(60)"
    with bench(tmp_path, engine="sail", remote=f"sc://127.0.0.1:{port}") as made, ThreadPoolExecutor(1) as pool:
        with sail_server(tmp_path, AWS, port):
            sql(made, "CREATE TABLE kept AS SELECT 1 AS a")
            running = pool.submit(made.run, source("spark.table('kept').count()", wait), name="waiting.py")
            wait_until(begun.exists, "the second cell")
        assert running.result().error is not None
        assert "the Spark engine ended while the notebook ran in notebook_cell 2" in (running.result().error or "")
        with sail_server(tmp_path, AWS, port):
            assert sql(made, "SELECT * FROM kept").rows == [[1]]
            assert made.run(source("assert spark.table('kept').count() == 1")).succeeded


def test_open_knows_volumes_and_dataframes_display(notebooks: Bench) -> None:
    """In a notebook's own cells, where IPython has an `open` of its own; a DataFrame shows itself as on Databricks."""
    outcome = notebooks.run(
        source("import builtins\nprint(open is builtins.open)", "spark.sql('SELECT 7 AS seven').display()")
    )

    assert outcome.succeeded, outcome.error_trace
    assert shown(outcome, 1) == "True\n"
    assert "seven" in shown(outcome, 2)
