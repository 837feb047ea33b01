"""The command line of classic Spark's Java."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.databricks_stub.kernel.spark import jvm


def test_compiled_code_has_the_room_that_java_gives_it_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one level of compilation Java reserves a fifth of its 240 MiB; Spark fills that and ends."""
    monkeypatch.setattr(jvm, "pyspark_folder", lambda: Path("/pyspark"))

    words = jvm.command(memory_mib=1000, folder=Path("/tmp/spark"))

    assert "-XX:TieredStopAtLevel=1" in words
    assert "-XX:ReservedCodeCacheSize=240m" in words
