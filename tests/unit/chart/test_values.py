"""Values: what the schema catches, what is refused, what helm itself says of the chart."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tests.unit.chart.conftest import TEAM
from tests.unit.chart.rendered import CHART, KUBERNETES, Rendered, helm, render


def test_the_official_chart_is_a_normal_dependency() -> None:
    """One version of it, from its own repository; no copy in ours."""
    (dependency,) = yaml.safe_load((CHART / "Chart.yaml").read_text())["dependencies"]

    assert dependency == {"name": "airflow", "version": "1.18.0", "repository": "https://airflow.apache.org"}


@pytest.mark.parametrize("profile", ["kind", "production"])
def test_helm_lint_finds_nothing(chart: Path, tool_values: Path, profile: str) -> None:
    """Neither an error nor a warning."""
    extra = tool_values if profile == "kind" else TEAM
    done = helm(
        *("lint", str(chart), "--kube-version", KUBERNETES),
        *("--values", str(chart / "profiles" / f"{profile}.yaml"), "--values", str(extra)),
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout
    assert "[ERROR]" not in done.stdout


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("sandbx.enabled=true", "sandbx"),
        ("postgresql.enable=true", "enable"),
        ('postgresql.enabled="yes"', "enabled"),
        ("networkPolicies.apiServerFrm=[]", "apiServerFrm"),
        ('backup.keep="many"', "keep"),
        ("backup.keep=0", "keep"),
        ('sandbox.services.s3={"image": "a:1", "prt": 4566}', "prt"),
        ('sandbox.services.s3={"port": 4566}', "image"),
        ('sandbox.services.s3={"image": "a:1", "port": 4566, "nodePort": 80}', "nodePort"),
        ('secrets.fernt="another"', "fernt"),
        ("setup.resetPasword=true", "resetPasword"),
        ("airflow.scheduler.replcas=2", "replcas"),
    ],
)
def test_a_typo_is_named(chart: Path, setting: str, named: str) -> None:
    """A setting that nobody reads, or of another type, is not installed; the message says which."""
    done = render(chart, "production", TEAM, settings=[setting])

    assert done.returncode != 0
    assert named in done.stderr


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ('secrets.fernet="another"', "airflow.fernetKeySecretName"),
        ('secrets.airflowEnvironment="another"', "airflow.extraEnvFrom"),
        ('backup.bucket=""', "backup.bucket"),
        ('backup.connectionSecret=""', "backup.connectionSecret"),
        ("airflow.statsd.enabled=false", "airflow.statsd.enabled"),
        ('sandbox.services.s3={"image": "a:1", "port": 4566}', "sandbox.enabled"),
    ],
)
def test_values_that_would_not_work_are_refused(chart: Path, setting: str, named: str) -> None:
    """Two settings that contradict each other: the message names the other one."""
    done = render(chart, "production", TEAM, settings=[setting])

    assert done.returncode != 0
    assert named in done.stderr


def test_the_notes_say_how_to_get_in(chart: Path, tool_values: Path, tmp_path: Path) -> None:
    """After an install Helm prints how to read the password, and how to back up."""
    # Helm renders notes for a cluster only: here they become an object
    copy = shutil.copytree(chart, tmp_path / "chart")
    (copy / "templates" / "notes.yaml").write_text(
        "{kind: Notes, metadata: {name: notes}, text: "
        '{{ include (print $.Template.BasePath "/NOTES.txt") . | toJson }}}'
    )
    done = render(copy, "kind", tool_values)
    notes = Rendered(text=done.stdout).one("Notes", "notes")["text"]

    assert "get secret sandbox-admin" in notes
    assert "cronjob/database-backup" in notes


def test_every_value_is_explained(chart: Path) -> None:
    """Our own settings stand in the page of the chart or beside it in values.yaml, as a comment or a plain name."""
    schema = yaml.safe_load((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    assert schema["additionalProperties"] is False
    assert set(values) <= set(schema["properties"])
