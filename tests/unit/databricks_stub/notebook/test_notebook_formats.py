"""Notebooks of one format in the other."""

from __future__ import annotations

import json

import nbformat
import pytest

from sandbox.databricks_stub.notebook_formats import jupyter_of, source_of
from sandbox.databricks_stub.notebook_source import NotANotebook, cells_of

PYTHON = """\
# Databricks notebook source
# MAGIC %md
# MAGIC # Title
# MAGIC
# MAGIC text

# COMMAND ----------

x = "\u2028ü"

print(x)

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT 1

# COMMAND ----------

# MAGIC %run ./shared $a="b c"
"""
SQL = """\
-- Databricks notebook source
SELECT 1

-- COMMAND ----------

-- MAGIC %python
-- MAGIC print(1)
"""


@pytest.mark.parametrize(("text", "suffix"), [(PYTHON, ".py"), (SQL, ".sql")])
def test_there_and_back_is_the_same(text: str, suffix: str) -> None:
    """And in between it is a valid .ipynb whose cells execute the same."""
    made = jupyter_of(text, suffix, "/Shared/one")

    nbformat.validate(json.loads(made))
    assert [cell.code for cell in cells_of(made, ".ipynb", "x")] == [cell.code for cell in cells_of(text, suffix, "x")]
    assert source_of(made, "x") == (text, suffix)


def test_a_raw_cell_becomes_text() -> None:
    """It is nothing that may be executed."""
    raw = {"cells": [{"cell_type": "raw", "source": "import nothing"}], "metadata": {}}

    source, suffix = source_of(json.dumps(raw), "x")

    assert (source, suffix) == ("# Databricks notebook source\n# MAGIC %md\n# MAGIC import nothing\n", ".py")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "/one is no notebook: JSONDecodeError"),
        (
            json.dumps({"cells": [], "metadata": {"application/vnd.databricks.v1+notebook": {"language": "scala"}}}),
            "/one is a notebook in scala",
        ),
    ],
)
def test_what_has_no_source_format(text: str, words: str) -> None:
    """It is said, by its name."""
    with pytest.raises(NotANotebook, match=words):
        source_of(text, "/one")
