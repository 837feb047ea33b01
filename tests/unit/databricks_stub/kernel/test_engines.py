"""The registry of the engines' sessions."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from sandbox.config.model import Engine
from sandbox.databricks_stub.kernel.engines import ENGINES, PACKAGE, REFRESH, create_session, refresh
from sandbox.services.spark import ENGINES as SERVICES


def test_the_setting_the_services_and_the_kernels_know_the_same_engines() -> None:
    """A name that one of them lacks would be found out by a user."""
    choices = Engine.model_fields["name"].annotation

    assert set(ENGINES) == set(SERVICES) == set(choices.__args__)  # type: ignore[union-attr]


def test_each_engine_has_a_session_module() -> None:
    """By the name of the engine."""
    assert [name for name in ENGINES if find_spec(f"{PACKAGE}.{name}.session") is None] == []


def test_kernels_without_spark_have_no_session() -> None:
    """They are for notebooks of plain Python."""
    assert create_session({"engine": {"name": "none", "remote": ""}}) is None


def test_an_engine_that_is_not_there_is_an_error() -> None:
    """The message lists those that are."""
    with pytest.raises(ValueError, match="sail, spark, remote"):
        create_session({"engine": {"name": "flink", "remote": ""}})


def test_only_sail_needs_to_be_told_what_others_have_made() -> None:
    """The others see it by themselves."""
    refresh("spark", object())
    refresh("remote", object())

    assert set(REFRESH) == {"sail"}
