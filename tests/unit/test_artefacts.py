"""What is promoted, and what decides a cell's result, in repositories that are laid out in other ways."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.artefacts import decisive, promoted
from sandbox.config import Config
from sandbox.config.model import Project
from sandbox.report import source
from tests.driver import REPOSITORY
from tests.foreign import make_repository

FOREIGN = Config(
    project=Project(dags="orchestration/dags", notebooks="analytics/src", bundle="analytics/databricks.yml")
)
"""The settings that fit `tests.foreign`."""


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """Another team's repository."""
    make_repository(tmp_path)
    return tmp_path


def test_this_repository() -> None:
    """Three artefacts; its bundle includes nothing."""
    assert promoted(Config(), REPOSITORY) == ("dags", "notebooks", "databricks.yml")


def test_what_a_bundle_includes_belongs_to_it(foreign: Path) -> None:
    """Files by their names; those in a folder that is promoted anyway are not named twice."""
    (foreign / "analytics" / "src" / "more.yml").write_text("resources: {}\n")
    bundle = foreign / "analytics" / "databricks.yml"
    bundle.write_text(bundle.read_text().replace("  - jobs/*.yml", "  - jobs/*.yml\n  - src/more.yml"))

    assert promoted(FOREIGN, foreign) == (
        "orchestration/dags",
        "analytics/src",
        "analytics/databricks.yml",
        "analytics/jobs/orders.yml",
    )


def test_a_bundle_that_cannot_be_read(foreign: Path) -> None:
    """Is an artefact all the same: what is wrong with it is said by others."""
    (foreign / "analytics" / "databricks.yml").write_text("include: [\n")

    assert promoted(FOREIGN, foreign)[-1] == "analytics/databricks.yml"


def test_a_project_without_a_bundle(tmp_path: Path) -> None:
    """Has folders only; nothing is invented."""
    assert promoted(Config(), tmp_path) == ("dags", "notebooks", "databricks.yml")
    assert not {"dags", "notebooks", "databricks.yml"} & set(source.digests(decisive(Config(), tmp_path)))


@pytest.mark.parametrize("changed", ["jobs/orders.yml", "src/revenue.sql", "databricks.yml"])
def test_an_edit_is_seen_in_the_digests(foreign: Path, changed: str) -> None:
    """Of a notebook, an included job, the bundle."""
    before = source.digests(decisive(FOREIGN, foreign))
    file = foreign / "analytics" / changed
    file.write_text(file.read_text() + "\n# edited\n")

    after = source.digests(decisive(FOREIGN, foreign))

    (name,) = (name for name in after if after[name] != before[name])
    assert file.relative_to(foreign).is_relative_to(name)


def test_the_project_s_own_locks(tmp_path: Path) -> None:
    """Count as locks, beside this package's."""
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "own.txt").write_text("six==1")

    assert {"lock:own", "lock:airflow-3.0.2-py3.11"} <= source.digests(decisive(Config(), tmp_path)).keys()
