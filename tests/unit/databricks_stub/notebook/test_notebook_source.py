"""Notebooks of both formats become cells that remember their lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.databricks_stub.notebook_source import NotANotebook, executable, load

SOURCE = """\
# Databricks notebook source
# MAGIC %md
# MAGIC # Title
# MAGIC
# MAGIC text

# COMMAND ----------

# DBTITLE 1,Count
x = 1

print(x)

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT 1

# COMMAND ----------

# MAGIC %run ./shared $a="b c"

# COMMAND ----------

# MAGIC %sh -e
# MAGIC ls
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def test_source_format_becomes_cells_with_their_lines(tmp_path: Path) -> None:
    cells = load(write(tmp_path, "a.py", SOURCE))
    assert [(cell.kind, cell.line, cell.code.replace("\n\n", "\n")) for cell in cells] == [
        ("markdown", 2, ""),
        ("code", 10, "x = 1\nprint(x)"),
        ("code", 16, "%%sql\nSELECT 1"),
        ("code", 21, '%run ./shared $a="b c"'),
        ("code", 25, "%%sh\n-e\nls"),
    ]
    assert cells[0].source == "# Title\n\ntext"
    assert len(executable(cells)) == 4


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_endings_and_byte_order_marks_do_not_matter(tmp_path: Path, ending: str, mark: str) -> None:
    cells = load(write(tmp_path, "a.py", mark + SOURCE.replace("\n", ending)))
    assert [cell.line for cell in cells] == [2, 10, 16, 21, 25]


def test_sql_notebook_executes_sql(tmp_path: Path) -> None:
    text = "-- Databricks notebook source\nSELECT 1\n-- COMMAND ----------\n-- MAGIC %python\n-- MAGIC print(1)\n"
    cells = load(write(tmp_path, "a.sql", text))
    assert [cell.code.strip() for cell in cells] == ["%%sql\nSELECT 1", "print(1)"]


def test_jupyter_notebook_keeps_its_cells(tmp_path: Path) -> None:
    document = {
        "cells": [
            {"cell_type": "markdown", "source": ["# hi"]},
            {"cell_type": "code", "source": ["x = 1\n", "x"]},
            {"cell_type": "code", "source": "%sql\nSELECT 1"},
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    cells = load(write(tmp_path, "a.ipynb", json.dumps(document)))
    assert [cell.code.replace("\n\n", "\n") for cell in cells] == ["", "x = 1\nx", "%%sql\nSELECT 1"]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.py", "print(1)\n", "first line is not"),
        ("a.py", "", "first line is not"),
        ("a.txt", "x", "ends neither"),
        ("a.ipynb", "{", "JSONDecodeError"),
        ("a.ipynb", "{}", "KeyError"),
        ("a.ipynb", "[]", "TypeError"),
        ("a.ipynb", '{"cells": null}', "cells are no list"),
        ("a.ipynb", '{"cells": [1]}', "cell 1 has no source"),
        ("a.ipynb", '{"cells": [{"cell_type": "code"}]}', "cell 1 has no source"),
        ("a.ipynb", '{"cells": [{"cell_type": "code", "source": [1]}]}', "cell 1 has no source"),
        ("a.ipynb", '{"cells": [{"cell_type": "heading", "source": ""}]}', "unknown type 'heading'"),
    ],
)
def test_what_is_no_notebook_is_said_to_be_none(tmp_path: Path, name: str, text: str, says: str) -> None:
    with pytest.raises(NotANotebook, match=says):
        load(write(tmp_path, name, text))


@pytest.mark.parametrize("metadata", [None, {}, {"application/vnd.databricks.v1+notebook": None}])
def test_metadata_may_be_empty(tmp_path: Path, metadata: object) -> None:
    """The language is Python where the file does not say."""
    document = {"cells": [{"cell_type": "code", "source": "x = 1"}], "metadata": metadata}

    (cell,) = load(write(tmp_path, "a.ipynb", json.dumps(document)))

    assert cell.code == "x = 1"


def test_magics_in_their_longer_forms(tmp_path: Path) -> None:
    """Text in a sandbox of its own is text; what %fs shall do may stand in the next line."""
    text = (
        "# Databricks notebook source\n# MAGIC %md-sandbox\n# MAGIC <div>\n\n# COMMAND ----------\n\n"
        "# MAGIC %fs\n# MAGIC ls /tmp/x\n"
    )

    cells = load(write(tmp_path, "a.py", text))

    assert [(cell.kind, cell.code) for cell in cells] == [("markdown", ""), ("code", "%fs ls /tmp/x")]
