"""A sandbox starts with the history of the newest older Airflow, and that one's own stays as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox import database_template, metadata_database


def cluster(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "PG_VERSION").write_text("16")
    (folder / "rows").write_text(folder.name)
    (folder / "postmaster.pid").write_text("1")
    return folder


@pytest.fixture
def migrated(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """No server and no Airflow: the interpreters that were asked to migrate."""
    asked: list[Path] = []

    @contextmanager
    def serving(_bin: Path, data: Path, _sockets: Path) -> Iterator[None]:
        (data / "rows").write_text("migrated")
        yield

    monkeypatch.setattr(database_template, "serving", serving)
    monkeypatch.setattr(database_template, "migrate", lambda _sockets, python, _env: asked.append(python))
    return asked


def prepare(data: Path, template: Path) -> str:
    return metadata_database.prepare(
        data, template=template, bin_folder=Path("/pg/bin"), airflow_python=Path("/airflow/bin/python")
    )


def test_a_new_sandbox_starts_from_the_template(tmp_path: Path, migrated: list[Path]) -> None:
    """Nothing is migrated."""
    data = tmp_path / "postgres" / "3.0.2"

    assert prepare(data, cluster(tmp_path / "template")) == "new"

    assert (data / "rows").read_text() == "template"
    assert migrated == []


def test_an_older_history_is_migrated_as_a_copy(tmp_path: Path, migrated: list[Path]) -> None:
    """Of the newest older version, by the newer Airflow; the older cluster is untouched."""
    for version in ("2.11.0", "3.0.10", "3.0.2", "3.4.0", "3.0.11.unfinished"):
        cluster(tmp_path / "postgres" / version)
    data = tmp_path / "postgres" / "3.3.2"

    told = prepare(data, cluster(tmp_path / "template"))

    assert told == "the history of Airflow 3.0.10 was taken over and migrated to 3.3.2"
    assert migrated == [Path("/airflow/bin/python")]
    assert (data / "rows").read_text() == "migrated"
    assert not (data / "postmaster.pid").exists()
    assert (tmp_path / "postgres" / "3.0.10" / "rows").read_text() == "3.0.10"


def test_a_failed_migration_leaves_nothing(
    tmp_path: Path, migrated: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next start tries again."""
    cluster(tmp_path / "postgres" / "3.0.2")
    data = tmp_path / "postgres" / "3.3.2"

    def fails(*_: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(database_template, "migrate", fails)

    with pytest.raises(RuntimeError):
        prepare(data, cluster(tmp_path / "template"))

    assert not data.exists()


def test_what_is_there_is_used(tmp_path: Path, migrated: list[Path]) -> None:
    """A cluster of this version is never replaced."""
    cluster(tmp_path / "postgres" / "3.0.2")
    data = cluster(tmp_path / "postgres" / "3.3.2")

    assert prepare(data, cluster(tmp_path / "template")) == ""

    assert (data / "rows").read_text() == "3.3.2"
