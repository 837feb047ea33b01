"""PostgreSQL, the Job that prepares it, backup and restore."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.chart.conftest import TEAM
from tests.unit.chart.rendered import Rendered, render


def test_the_database_keeps_its_data(kind: Rendered) -> None:
    """A StatefulSet on a claim, in which PGDATA lies; the password comes as a file."""
    stateful = kind.one("StatefulSet", "postgres")["spec"]
    (container,) = stateful["template"]["spec"]["containers"]
    env = {each["name"]: each.get("value") for each in container["env"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    (claim,) = stateful["volumeClaimTemplates"]

    assert env["PGDATA"].startswith(f"{mounts[claim['metadata']['name']]}/")
    assert any(env["POSTGRES_PASSWORD_FILE"].startswith(f"{path}/") for path in mounts.values())
    assert "POSTGRES_PASSWORD" not in env


def test_another_version_of_airflow_has_another_database(kind: Rendered) -> None:
    """Its schema would be another one."""
    (container,) = kind.one("StatefulSet", "postgres")["spec"]["template"]["spec"]["containers"]

    assert "3.0.2" in {each["name"]: each.get("value") for each in container["env"]}["PGDATA"]


def test_one_job_prepares_the_database(rendered: Rendered) -> None:
    """No hook, which would wait for pods that wait for it; no second Job that could run before the migration."""
    (job,) = rendered.of("Job")

    assert not [key for key in job["metadata"].get("annotations") or {} if key.startswith("helm.sh/hook")]
    assert "helm.sh/hook" not in rendered.text


def job_name(chart: Path, *values: Path, settings: list[str] | None = None) -> str:
    done = render(chart, "production", TEAM, *values, settings=settings or [])
    assert done.returncode == 0, done.stderr
    (job,) = Rendered(text=done.stdout).of("Job")
    return str(job["metadata"]["name"])


@pytest.mark.parametrize(
    "setting",
    [
        'airflow.images.airflow.tag="another"',
        'setup.role="Op"',
        'setup.rerun="again"',
        'airflow.scheduler.podAnnotations={"digest": "another"}',
        'setup.resources={"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "2Gi"}}',
    ],
)
def test_what_changes_the_job_makes_another_one(chart: Path, setting: str) -> None:
    """A Job cannot be changed: with the same name an upgrade would fail."""
    assert job_name(chart, settings=[setting]) != job_name(chart)


def test_an_upgrade_that_changes_nothing_runs_nothing(chart: Path) -> None:
    """The name of the Job depends on nothing that is generated, nor on the number of replicas."""
    assert job_name(chart) == job_name(chart, settings=["airflow.scheduler.replicas=3"])


def test_same_name_means_same_job(chart: Path) -> None:
    """Whatever changes its pod changes its name: also what reaches it through the official chart's values."""
    for setting in (
        'airflow.env=[{"name": "ANOTHER", "value": "variable"}]',
        'airflow.config.core.parallelism="4"',
        "airflow.dags.gitSync.enabled=false",
        'airflow.registry.secretName="registry"',
    ):
        texts: dict[str, set[str]] = {}
        for settings in ([], [setting]):
            (job,) = Rendered(text=render(chart, "production", TEAM, settings=settings).stdout).of("Job")
            texts.setdefault(job["metadata"]["name"], set()).add(str(job["spec"]))
        assert all(len(variants) == 1 for variants in texts.values()), setting


def test_components_wait_for_the_migration(rendered: Rendered) -> None:
    """Each has an init container that waits; worker pods need none, for their scheduler has waited."""
    for component in ("api-server", "scheduler", "dag-processor", "triggerer"):
        names = [container["name"] for container in rendered.pod(component).spec["initContainers"]]
        assert "wait-for-airflow-migrations" in names, component


def test_the_first_user_comes_from_the_secret(rendered: Rendered) -> None:
    """As files, which neither an argument nor the environment of a process shows."""
    pod = rendered.pod("setup")
    secrets = [volume["secret"]["secretName"] for volume in pod.spec["volumes"] if "secret" in volume]

    assert secrets == ["sandbox-admin"]


def test_a_backup_runs_by_itself_and_a_restore_never(rendered: Rendered) -> None:
    """Both are CronJobs, so that `kubectl create job --from` runs either."""
    backup, restore = (rendered.one("CronJob", f"database-{way}")["spec"] for way in ("backup", "restore"))

    assert backup["suspend"] is False
    assert restore["suspend"] is True
    assert {each["concurrencyPolicy"] for each in (backup, restore)} == {"Forbid"}
    assert all(each["jobTemplate"]["spec"]["activeDeadlineSeconds"] for each in (backup, restore))


def test_a_dump_is_made_before_it_is_stored_and_fetched_before_it_is_restored(rendered: Rendered) -> None:
    """Init containers end before containers start; a restore is one transaction."""
    for way, first, second in (
        ("backup", "pg_dump", "backup.py upload"),
        ("restore", "backup.py download", "pg_restore"),
    ):
        spec = rendered.pod(way).spec
        lines = [
            " ".join([*(container.get("command") or ()), *(container.get("args") or ())])
            for container in (*spec["initContainers"], *spec["containers"])
        ]
        assert first in lines[0]
        assert second in lines[1]
    assert "--single-transaction" in lines[1]
    assert "--exit-on-error" in lines[1]


def test_an_external_database_is_dumped_by_its_own_secret(production: Rendered) -> None:
    """PGHOST and so on come from the Secret that the team names."""
    (container,) = production.pod("backup").spec["initContainers"]

    assert container["envFrom"] == [{"secretRef": {"name": "database-of-the-team"}}]
    assert container["image"] == "postgres:16.4"
