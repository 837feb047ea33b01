"""What a notebook reads and writes is found without executing it, and what is not sure is not said."""

from __future__ import annotations

import sys

import pytest

from sandbox.wiring.notebooks.grammar import newer_syntax
from tests.unit.wiring.conftest import Project

READS = {
    "spark.table": 'spark.table("a.b")',
    "spark.read.table": 'spark.read.option("x", 1).table("a.b")',
    "streams": 'spark.readStream.table("a.b")',
    "sql": 'spark.sql("SELECT * FROM a.b")',
    "sql with args": 'spark.sql("SELECT * FROM a.b WHERE x = :x", args={"x": 1})',
    "DeltaTable": 'from delta.tables import DeltaTable as D\nD.forName(spark, "a.b").toDF()',
    "a session of one's own": "s = SparkSession.builder.getOrCreate()\ns.table('a.b')",
    "an f-string": 'schema = "a"\nspark.table(f"{schema}.`b`")',
    "format and join": 'spark.table("{}.{}".format("a", "b")); spark.table(".".join(["a", "b"]))',
    "percent": 'spark.table("%s.%s" % ("a", "b"))',
    "a widget's default": 'dbutils.widgets.text("s", "a")\nspark.table(dbutils.widgets.get("s") + ".b")',
    "a function": 'def name(table, schema="a"):\n    return f"{schema}.{table}"\n\nspark.table(name("b"))',
    "a function's effect": "def load(t):\n    return spark.table(t)\n\nload('a.b')",
    "a callback": "def batch(df, number):\n    spark.table('a.b')\n\nstream.writeStream.foreachBatch(batch)",
    "a lambda": "df.transform(lambda d: d.join(spark.table('a.b')))",
    "a loop": "for t in ['b']:\n    spark.table(f'a.{t}')",
    "a dict": "config = {'t': {'name': 'a.b'}}\nspark.table(config['t']['name'])",
    "a comprehension": "frames = [spark.table(f'a.{t}') for t in ('b', )]",
    "a way not taken": "if mode == 'full':\n    spark.table('a.b')",
    "an error's way": "try:\n    x = 1\nexcept ValueError:\n    spark.table('a.b')",
    "use": "spark.sql('USE a')\nspark.table('b')",
    "capitals": "spark.table('A.B')",
    "a sql cell": "# MAGIC %sql\n# MAGIC SELECT * FROM a.b",
    "a sql cell with a widget": "# MAGIC %sql\n# MAGIC SELECT * FROM ${given}.b",
    "identifier": "# MAGIC %sql\n# MAGIC SELECT * FROM IDENTIFIER('a.b')",
}
WRITES = {
    "saveAsTable": 'df.write.mode("overwrite").saveAsTable("a.b")',
    "insertInto": 'df.write.insertInto("a.b")',
    "writeTo": 'df.writeTo("a.b").append()',
    "toTable": 'df.writeStream.toTable("a.b")',
    "merge": 'DeltaTable.forName(spark, "a.b").alias("t").merge(s, "x").whenMatchedUpdateAll().execute()',
    "builder": 'DeltaTable.createIfNotExists(spark).tableName("a.b").addColumn("x", "INT").execute()',
    "merge in sql": 'spark.sql("MERGE INTO a.b t USING s ON t.x = s.x WHEN MATCHED THEN DELETE")',
    "create": 'spark.sql("CREATE OR REPLACE TABLE a.b AS SELECT 1")',
    "insert": 'spark.sql("INSERT INTO a.b SELECT 1")',
    "a view": 'spark.sql("CREATE VIEW a.b AS SELECT 1")',
    "copy": "# MAGIC %sql\n# MAGIC COPY INTO a.b FROM '/Volumes/x/y/z' FILEFORMAT = CSV",
    "two statements": "# MAGIC %sql\n# MAGIC SELECT 1;\n# MAGIC DELETE FROM a.b",
}
NOTHING = {
    "an unknown name": "spark.table(name)",
    "an unknown part": 'spark.table(f"{name}.b")',
    "two ways": 'schema = "a" if production else "c"\nspark.table(f"{schema}.b")',
    "an overwritten name": "name = 'a.b'\nfor name in names:\n    spark.table(name)",
    "a function that nobody calls": "def load():\n    return spark.table('a.b')",
    "a catalog that is known later": "# MAGIC %sql\n# MAGIC USE CATALOG IDENTIFIER(:c);\n# MAGIC SELECT * FROM a.b",
    "a schema that is known later": "# MAGIC %sql\n# MAGIC USE SCHEMA IDENTIFIER(:schema);\n# MAGIC SELECT * FROM b",
    "a temporary view": "df.createOrReplaceTempView('v')\nspark.table('v')\nspark.sql('SELECT * FROM v')",
    "a view in sql": "# MAGIC %sql\n# MAGIC CREATE TEMP VIEW v AS SELECT 1;\n# MAGIC SELECT * FROM v",
    "a common table expression": "spark.sql('WITH c AS (SELECT 1) SELECT * FROM c')",
    "files": "spark.sql('SELECT * FROM delta.`/x/y`')\nspark.sql(\"SELECT * FROM read_files('/x')\")",
    "another table()": "report.table('a.b')\nrich.table('a.b')",
    "what holds no rows": "spark.sql('DROP TABLE a.b')\nspark.sql('DESCRIBE HISTORY a.b')\nspark.sql('OPTIMIZE a.b')",
    "a schema": 'spark.sql("CREATE SCHEMA IF NOT EXISTS a.b")\nspark.sql("CREATE VOLUME a.b")',
    "a function": "spark.sql('CREATE FUNCTION a.b(x INT) RETURNS INT RETURN x + 1')",
    "a comment": "# MAGIC %sql\n# MAGIC -- SELECT * FROM a.b\n# MAGIC SELECT 1",
    "a text": "print('SELECT * FROM a.b')",
    "skipped": "# MAGIC %skip\n# MAGIC spark.table('a.b')",
}


@pytest.mark.parametrize("cell", READS.values(), ids=READS.keys())
def test_tables_that_are_read(project: Project, cell: str) -> None:
    """Each way of reading a table, and of naming it."""
    facts = project.follow(cell, given={"given": "a"})

    assert (list(facts.reads), list(facts.writes)) == (["main.a.b"], [])


@pytest.mark.parametrize("cell", WRITES.values(), ids=WRITES.keys())
def test_tables_that_are_written(project: Project, cell: str) -> None:
    """Each way of writing one."""
    assert list(project.follow(cell).writes) == ["main.a.b"]


@pytest.mark.parametrize("cell", NOTHING.values(), ids=NOTHING.keys())
def test_what_is_no_table_or_not_known(project: Project, cell: str) -> None:
    """No name is better than a wrong one."""
    facts = project.follow(cell)

    assert (facts.reads, facts.writes) == ({}, {})


def test_sql_with_gaps_is_searched_when_it_does_not_parse(project: Project) -> None:
    """What an f-string fills in can be anything; the tables around it are still there."""
    facts = project.follow('spark.sql(f"SELECT CASE x {whens} ELSE 3 END FROM a.b JOIN {other}.c ON true")')

    assert list(facts.reads) == ["main.a.b"]


def test_a_place_is_the_notebook_s_own_line(project: Project) -> None:
    """Where a function does the reading, the call of it is what the reader looks for."""
    facts = project.follow("def load(t):\n    return spark.table(t)", "x = 1\nload('a.b')")

    assert facts.reads["main.a.b"].line == 9


def test_parameters_win_over_defaults(project: Project) -> None:
    """As when the notebook runs."""
    facts = project.follow(
        'dbutils.widgets.text("s", "a")\nspark.table(dbutils.widgets.get("s") + ".b")', given={"s": "z"}
    )

    assert list(facts.reads) == ["main.z.b"]


def test_a_notebook_that_never_ends_is_given_up(project: Project) -> None:
    """Following takes no longer than it is worth; what was not seen is not held against anybody."""
    many = "\n".join("    " * depth + f"for x{depth} in range(100):" for depth in range(8))
    facts = project.follow(f"{many}\n{'    ' * 8}spark.table(f'a.b')")

    assert list(facts.reads) == ["main.a.b"]
    assert facts.reads_any_widget


def test_recursion_ends(project: Project) -> None:
    """A function that calls itself is followed once."""
    facts = project.follow("def f(t):\n    f(t)\n    return spark.table(t)\n\nf('a.b')")

    assert list(facts.reads) == ["main.a.b"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the parser of Python 3.11 itself refuses these")
def test_f_strings_of_python_312_are_refused() -> None:
    """Quotes, backslashes and comments inside of the braces."""
    code = "a = f'{x['y']}'\nb = f'''{x['y']}'''\nc = f\"{'\\n'.join(x)}\"\n"

    assert [line for line, _ in newer_syntax(code)] == [1, 3]


def test_the_grammar_is_that_of_the_notebooks_python(project: Project) -> None:
    """What only later Pythons understand is a mistake here."""
    assert "SyntaxError" in project.follow("type Name = str").problems[0].message
    assert "SyntaxError" in project.follow("a = f'{x['y']}'").problems[0].message
