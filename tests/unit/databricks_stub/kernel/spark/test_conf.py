"""What classic Spark is configured with."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.databricks_stub.kernel.spark.bridges import USE_CATALOG
from sandbox.databricks_stub.kernel.spark.conf import EngineSettings, spark_conf
from sandbox.databricks_stub.kernel.spark.server import read_settings

SETTINGS = EngineSettings(
    port=15002,
    catalog="projects",
    schemas=("default",),
    warehouse=Path("/w"),
    volumes={"/Volumes/projects/default/v": "s3://bucket/raw/", "/Volumes/projects/default/f": "/a folder"},
    cores=3,
)
AWS = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key"}


def test_it_listens_on_loopback_only() -> None:
    """Connect, the driver and its blocks."""
    conf = spark_conf(SETTINGS, {})

    addresses = {conf[name] for name in conf if name.endswith((".address", "driver.host", "driver.bindAddress"))}

    assert addresses == {"127.0.0.1"}
    assert conf["spark.connect.grpc.binding.port"] == "15002"
    assert conf["spark.ui.enabled"] == "false"


def test_volumes_are_mounted_where_paths_without_a_scheme_are() -> None:
    """A bucket by S3A, a folder as it is, everything else from this machine."""
    conf = spark_conf(SETTINGS, AWS)

    mounts = {name.partition(".default.")[2]: value for name, value in conf.items() if ".mounttable." in name}

    assert conf["spark.hadoop.fs.defaultFS"] == "dbfs:///"
    assert mounts == {
        "linkFallback": "file:///",
        "link./Volumes/projects/default/v": "s3a://bucket/raw/",
        "link./Volumes/projects/default/f": "file:///a%20folder/",
    }


def test_s3_is_the_one_of_the_environment() -> None:
    """With the sandbox's keys, in plain HTTP; without an endpoint Spark's own defaults stay."""
    conf = spark_conf(SETTINGS, AWS)

    assert conf["spark.hadoop.fs.s3a.endpoint"] == "http://127.0.0.1:4566"
    assert conf["spark.hadoop.fs.s3a.connection.ssl.enabled"] == "false"
    assert conf["spark.hadoop.fs.s3a.access.key"] == "id"
    assert not [name for name in spark_conf(SETTINGS, {}) if "endpoint" in name or ".key" in name]


def test_settings_are_read_from_a_file(tmp_path: Path) -> None:
    """Relative folders are those of the working folder; another interface is refused."""
    file = tmp_path / "engine.json"
    file.write_text('{"port": 1, "catalog": "c", "schemas": ["s"], "warehouse": "/w", "cores": 1}')
    other = tmp_path / "other.json"
    other.write_text('{"host": "0.0.0.0", "port": 1, "catalog": "c", "schemas": ["s"], "warehouse": "/w"}')

    found = read_settings(file)

    assert (found.schemas, found.warehouse, found.memory_mib) == (("s",), Path("/w"), 1024)
    with pytest.raises(ValueError, match=r"not 0\.0\.0\.0"):
        read_settings(other)


@pytest.mark.parametrize(("text", "name"), [("use catalog projects", "projects"), (" USE  CATALOG `a`; ", "`a`")])
def test_use_catalog_is_recognised(text: str, name: str) -> None:
    """In any case, with a semicolon or without."""
    found = USE_CATALOG.fullmatch(text)

    assert found is not None
    assert found["name"] == name
    assert USE_CATALOG.fullmatch(f"{text} x y") is None


def test_no_constraints_are_inferred() -> None:
    """A query with many columns, as the sample's silver notebook has one, would take all memory."""
    assert spark_conf(SETTINGS, {})["spark.sql.constraintPropagation.enabled"] == "false"
