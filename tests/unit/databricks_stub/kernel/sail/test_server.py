"""The server's environment."""

from __future__ import annotations

import tomllib

import pytest

from sandbox.databricks_stub.kernel.sail.server import environment, main


def test_the_catalog_is_told_in_toml() -> None:
    """Sail reads its settings as TOML: one memory catalog, and its first schema as the current one."""
    found = environment(catalog="projects", schemas=["default", "silver"], endpoint="http://127.0.0.1:4566")

    entry = tomllib.loads("list = " + found["SAIL_CATALOG__LIST"])["list"]
    assert entry == [{"name": "projects", "type": "memory", "initial_database": ["default"]}]
    assert tomllib.loads("x = " + found["SAIL_CATALOG__DEFAULT_CATALOG"])["x"] == "projects"
    assert found["AWS_ALLOW_HTTP"] == "true"


def test_plain_http_is_allowed_only_where_it_is_used() -> None:
    """An endpoint with TLS, or none, does not allow plain HTTP."""
    assert "AWS_ALLOW_HTTP" not in environment(catalog="c", schemas=["s"], endpoint="https://s3.amazonaws.com")
    assert "AWS_ALLOW_HTTP" not in environment(catalog="c", schemas=["s"], endpoint=None)


def test_a_missing_argument_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """The command says what it lacks."""
    with pytest.raises(SystemExit):
        main(["--port", "1"])

    assert "--catalog" in capsys.readouterr().err
