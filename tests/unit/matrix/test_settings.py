"""A cell as variables, and what keeps it from being run."""

from __future__ import annotations

import fnmatch
from pathlib import Path

import pytest

from sandbox.config import load
from sandbox.config.load import settings
from sandbox.errors import ConfigurationError, PrerequisiteMissing
from sandbox.matrix.cell import Cell
from sandbox.matrix.settings import OF_THE_MACHINE, environment, obstacle, set_by_the_shell
from sandbox.services.airflow_row import airflow_request
from tests.driver import REPOSITORY

PRODUCTION = "airflow3.0.2-py3.11-process-sail-dbx7.6.0"


def cell(cell_id: str) -> Cell:
    return Cell(id=cell_id, purpose="a test")


def test_production_needs_no_other_lock() -> None:
    """The configuration that the variables give is production's row with the lock's own provider."""
    config = load(REPOSITORY, environment(cell(PRODUCTION), {})).config

    assert airflow_request(config).name == "airflow-3.0.2-py3.11"
    assert not airflow_request(config).is_derived
    assert (config.backend, config.engine.name) == ("process", "sail")


def test_another_provider_is_asked_for() -> None:
    """A version that the row's lock does not have reaches airflow.providers."""
    config = load(REPOSITORY, environment(cell(PRODUCTION.replace("7.6.0", "7.9.0")), {"amazon": "9.9.0"})).config

    assert config.airflow.providers == {"amazon": "9.9.0", "databricks": "7.9.0"}


def test_a_row_without_a_lock_is_refused() -> None:
    """With the runtime's name and the registered ones."""
    with pytest.raises(ConfigurationError, match=r"airflow-3\.0\.2-py3\.14, which is not registered"):
        environment(cell(PRODUCTION.replace("3.11", "3.14")), {})


@pytest.mark.parametrize(
    ("changed", "expected"),
    [("-process-", ""), ("-boat-", "this version has no backend boat")],
)
def test_backends(changed: str, expected: str) -> None:
    """Process runs everywhere; a backend that is not there is said to be missing."""
    assert obstacle(cell(PRODUCTION.replace("-process-", changed)), lambda _: "") == expected


def test_engines() -> None:
    """As with backends."""
    wanted = cell(PRODUCTION.replace("-sail-", "-steam-"))

    assert obstacle(wanted, lambda _: "") == "this version has no engine steam"


def test_what_the_machine_lacks() -> None:
    """Is the obstacle of a backend that is there."""
    assert obstacle(cell(PRODUCTION), lambda name: f"no {name} here") == "no process here"


def test_an_engine_may_need_what_the_machine_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classic Spark needs a Java, which no runtime brings."""

    def no_java(configured: str | None) -> None:
        raise PrerequisiteMissing("no Java here")

    monkeypatch.setattr("sandbox.services.spark.find_java", no_java)

    assert obstacle(cell(PRODUCTION.replace("sail", "spark")), lambda _: "") == "no Java here"
    assert obstacle(cell(PRODUCTION), lambda _: "") == ""


def test_the_configured_java_is_the_one_that_counts(tmp_path: Path) -> None:
    """A folder that is none is the obstacle, whatever Java the machine has."""
    found = obstacle(cell(PRODUCTION.replace("sail", "spark")), lambda _: "", java_home=str(tmp_path))

    assert "needs Java 17" in found


def test_what_the_shell_sets() -> None:
    """Named is what changes what is tested; not the cell's own axes, and not what is about the machine."""
    own = environment(cell(PRODUCTION), {})
    shell = own | {
        "SANDBOX_ARCHIVE_SAMPLE_POSTS": "7",
        "SANDBOX_DATABRICKS_CATALOG": "elsewhere",
        "SANDBOX_ENGINE_MEMORY_MIB": "900",
        "SANDBOX_IMAGES_BASE": "debian:bookworm-slim",
        "SANDBOX_S3_PORT": "4567",
        "SANDBOX_CACHE_DIR": "cache",
        "PATH": "/usr/bin",
    }

    assert set_by_the_shell(own, shell) == ("SANDBOX_ARCHIVE_SAMPLE_POSTS", "SANDBOX_DATABRICKS_CATALOG")


def test_what_is_of_the_machine_are_settings() -> None:
    """A pattern that means no setting is a mistake."""
    names = [".".join(path) for path, _ in settings()]

    assert [pattern for pattern in OF_THE_MACHINE if not fnmatch.filter(names, pattern)] == []


def test_a_row_without_a_runtime_cannot_run_here() -> None:
    """`matrix list` says so, too."""
    assert "airflow-3.0.2-py3.14 is not registered" in obstacle(cell(PRODUCTION.replace("3.11", "3.14")), lambda _: "")
