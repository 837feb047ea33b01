"""Statements that no engine has are refused with what to do instead."""

from __future__ import annotations

import pytest

from sandbox.databricks_stub.kernel.sql_text.unavailable import COPY_INTO, refuse


@pytest.mark.parametrize("statement", ["COPY INTO t FROM 'x'", "-- why\n copy\n into t", "/* a */ COPY INTO t"])
def test_copy_into_is_refused(statement: str) -> None:
    """Also after a comment."""
    with pytest.raises(NotImplementedError, match="COPY INTO is Databricks' own"):
        refuse(statement)


@pytest.mark.parametrize("statement", ["SELECT 'COPY INTO t'", "SELECT copy INTO", "INSERT INTO copy VALUES (1)"])
def test_what_only_looks_like_it(statement: str) -> None:
    """Is the engine's affair."""
    assert COPY_INTO.match(statement) is None
    refuse(statement)
