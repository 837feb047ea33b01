"""Airflow's chart in a bundle."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from sandbox.backends import bundled_chart
from sandbox.errors import PrerequisiteMissing
from sandbox.runtimes.bundle import Bundle, open_bundle, problems, write_manifest


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A chart's folder."""
    folder = tmp_path / "airflow-chart"
    folder.mkdir()
    (folder / "Chart.yaml").write_text("version: 1.18.0\n")
    return folder


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """An empty bundle."""
    made = Bundle(folder=tmp_path / "bundle")
    made.folder.mkdir()
    write_manifest(made)
    return made


def test_a_chart_comes_back_from_the_bundle(bundle: Bundle, chart: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder is packed; the bundle that SANDBOX_BUNDLE names gives it, and no other version."""
    bundled_chart.save(bundle, chart, "1.18.0")
    monkeypatch.setenv("SANDBOX_BUNDLE", str(bundle.folder))

    found = bundled_chart.find("1.18.0")

    assert found is not None
    with tarfile.open(found) as archive:
        assert "airflow/Chart.yaml" in archive.getnames()
    assert bundled_chart.find("1.19.0") is None
    assert list(problems(open_bundle(bundle.folder))) == []


def test_another_version_replaces_the_first(bundle: Bundle, chart: Path) -> None:
    """A bundle holds the chart of its settings, and no other."""
    bundled_chart.save(bundled_chart.save(bundle, chart, "1.18.0"), chart, "1.19.0")

    assert [file.name for file in (bundle.folder / "charts").iterdir()] == ["airflow-1.19.0.tgz"]
    assert list(open_bundle(bundle.folder).charts) == ["charts/airflow-1.19.0.tgz"]


def test_a_changed_chart_is_refused(bundle: Bundle, chart: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its hash, before Helm sees it; `sandbox bundle --check` finds it too."""
    bundled_chart.save(bundle, chart, "1.18.0")
    monkeypatch.setenv("SANDBOX_BUNDLE", str(bundle.folder))
    (bundle.folder / "charts" / "airflow-1.18.0.tgz").write_bytes(b"other")

    with pytest.raises(PrerequisiteMissing, match="is damaged"):
        bundled_chart.find("1.18.0")
    assert list(problems(open_bundle(bundle.folder))) == ["changed: charts/airflow-1.18.0.tgz"]


def test_without_a_bundle_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it comes from the cache or its repository."""
    monkeypatch.delenv("SANDBOX_BUNDLE", raising=False)

    assert bundled_chart.find("1.18.0") is None
