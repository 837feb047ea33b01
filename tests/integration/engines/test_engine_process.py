"""An engine's process: started anew it knows the tables, an old session says that it is lost."""

from __future__ import annotations

import shutil

import pytest

from sandbox.services.spark import ENGINES
from tests.integration.engines.engine_process import FORMS, Engine

pytestmark = [pytest.mark.xdist_group("engines")]


def test_each_engine_that_the_sandbox_starts_is_tested_here() -> None:
    """A new one without a way to start it in these tests fails here first."""
    assert FORMS.keys() == {name for name, form in ENGINES.items() if form.process is not None}


def test_an_engine_may_be_started_anew(engine: Engine) -> None:
    """After SIGTERM tables and views are there again, also one with capitals, which a new version would not make.

    An old session says that it is lost.
    """
    engine.run("""
import builtins
spark.sql("create table lasting as select 1 as a")
spark.sql("create view lasting_view as select a + 1 as b from lasting")
builtins.old = spark
    """)

    tables = engine.warehouse / "default"
    shutil.copytree(tables / "lasting", tables / "OfOld")
    engine.server.terminate()
    engine.server.wait()
    engine.server = engine.start_server()

    assert engine.run("found = rows(spark.sql('select a, b from lasting cross join lasting_view'))") == [[1, 2]]
    assert engine.run("spark.sql('insert into OFOLD values (2)'); found = spark.table('ofold').count()") == 2
    assert [path.name for path in tables.iterdir() if path.name.lower() == "ofold"] == ["OfOld"]
    assert engine.run("found = error_of(lambda: old.sql('select 1').collect())") != "no error"
