"""CREATE TABLE without what only describes the table."""

from __future__ import annotations

import pytest

from sandbox.databricks_stub.kernel.sql_text.notes import without_notes


@pytest.mark.parametrize(
    ("rest", "left"),
    [
        ("(id INT) CLUSTER BY (id, n) COMMENT 'x'", "(id INT)  COMMENT 'x'"),
        ("(id INT) CLUSTER BY AUTO", "(id INT) "),
        ("CLUSTER BY (id) AS SELECT 1 AS id", " AS SELECT 1 AS id"),
        ("USING delta AS SELECT * FROM t CLUSTER BY id", "USING delta AS SELECT * FROM t CLUSTER BY id"),
        ("(id INT NOT NULL PRIMARY KEY, n STRING)", "(id INT NOT NULL, n STRING)"),
        ("(id INT CONSTRAINT pk PRIMARY KEY RELY NOT NULL, n INT)", "(id INT NOT NULL, n INT)"),
        ("(id INT, n INT, CONSTRAINT pk PRIMARY KEY (id, n) NOT ENFORCED)", "(id INT, n INT)"),
        ("(id INT, FOREIGN KEY (id) REFERENCES a.b.c (x), n INT) USING delta", "(id INT, n INT) USING delta"),
        ("(id INT REFERENCES other (id) COMMENT 'the other', n INT)", "(id INT COMMENT 'the other', n INT)"),
        (
            "(m MAP<STRING, INT>, d DECIMAL(10, 2),\n  `primary` INT)",
            "(m MAP<STRING, INT>, d DECIMAL(10, 2),\n  `primary` INT)",
        ),
        (
            "(a INT, b INT, c BOOLEAN GENERATED ALWAYS AS (a < b), PRIMARY KEY (a))",
            "(a INT, b INT, c BOOLEAN GENERATED ALWAYS AS (a < b))",
        ),
        (
            "(a INT, c BOOLEAN DEFAULT 1 < 2, m MAP<INT, ARRAY<STRUCT<x: INT, y: INT>>>, PRIMARY KEY (a))",
            "(a INT, c BOOLEAN DEFAULT 1 < 2, m MAP<INT, ARRAY<STRUCT<x: INT, y: INT>>>)",
        ),
        ("(id INT, CONSTRAINT c CHECK (id > 0))", "(id INT, CONSTRAINT c CHECK (id > 0))"),
        ("", ""),
    ],
)
def test_what_only_describes_is_left_out(rest: str, left: str) -> None:
    """Keys that nobody enforces, and the layout of files; what decides about rows stays."""
    assert without_notes(rest) == left
