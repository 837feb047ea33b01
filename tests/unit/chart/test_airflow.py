"""Airflow itself: executor, worker pods, DAGs, logs, replicas."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from sandbox.backends.kind_release import airflow_environment
from sandbox.services.s3 import OWN_BUCKET
from sandbox.services.spec import ServiceContext
from tests.unit.chart.conftest import TEAM
from tests.unit.chart.rendered import Rendered, render

COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")


def test_each_task_runs_in_a_pod(rendered: Rendered) -> None:
    """The executor is Kubernetes', and Airflow gets the template of worker pods."""
    cfg = rendered.airflow_cfg

    assert cfg["core"]["executor"] == "KubernetesExecutor"
    assert cfg["kubernetes_executor"]["namespace"] == "data-platform"
    assert cfg["kubernetes_executor"]["pod_template_file"].endswith("pod_template_file.yaml")


def test_whether_worker_pods_are_deleted_is_set_where_airflow_reads_it(kind: Rendered, production: Rendered) -> None:
    """In [kubernetes_executor]: the sandbox keeps them by default, production deletes those that succeeded."""
    assert kind.airflow_cfg["kubernetes_executor"]["delete_worker_pods"] == "False"
    assert production.airflow_cfg["kubernetes_executor"]["delete_worker_pods"] == "True"
    for rendered in (kind, production):
        sections = [
            name for name in rendered.airflow_cfg.sections() if "delete_worker_pods" in rendered.airflow_cfg[name]
        ]
        assert sections == ["kubernetes_executor"]


def test_users_are_managed_as_in_production(rendered: Rendered) -> None:
    """FAB's auth manager; no example DAGs."""
    assert rendered.airflow_cfg["core"]["auth_manager"].endswith("FabAuthManager")
    assert rendered.airflow_cfg["core"]["load_examples"] == "False"


def test_a_small_machine_has_one_api_worker(kind: Rendered) -> None:
    """Each costs a quarter of a GiB."""
    assert kind.airflow_cfg["api"]["workers"] == "1"


def test_task_logs_outlive_their_pods(rendered: Rendered) -> None:
    """They go to S3."""
    logging = rendered.airflow_cfg["logging"]

    assert logging["remote_logging"] == "True"
    assert logging["remote_base_log_folder"].startswith("s3://")
    assert logging["remote_log_conn_id"]


def test_what_the_sandbox_keeps_needs_nothing_of_the_project(kind: Rendered, context: ServiceContext) -> None:
    """Logs and dumps go to a bucket of its own, by a connection of its own: this project has configured neither."""
    logging = kind.airflow_cfg["logging"]
    (of_backup,) = (
        {each["name"]: each.get("value") for each in container["env"]}
        for container in kind.pod("backup").containers
        if any(each["name"] == "BACKUP_BUCKET" for each in container.get("env", ()))
    )

    assert context.config.airflow.connections == {}
    assert context.config.s3.buckets == ()
    assert logging["remote_base_log_folder"] == f"s3://{OWN_BUCKET}/logs"
    assert of_backup["BACKUP_BUCKET"] == OWN_BUCKET
    assert logging["remote_log_conn_id"] == of_backup["BACKUP_CONNECTION"]
    connection = json.loads(airflow_environment(context)[f"AIRFLOW_CONN_{logging['remote_log_conn_id'].upper()}"])
    assert connection["login"] == context.credentials.aws_access_key_id
    assert connection["extra"]["endpoint_url"] == context.url("s3")


@pytest.mark.parametrize("component", [*COMPONENTS, "worker"])
def test_the_sandbox_mounts_the_project(kind: Rendered, component: str) -> None:
    """An edited DAG is what the next worker pod executes: read-only, by a claim, in every pod of Airflow's."""
    pod = kind.pod(component)
    (container,) = [each for each in pod.spec["containers"] if "groomer" not in each["name"]]
    volumes = {volume["name"]: volume for volume in pod.spec["volumes"]}
    (mount,) = [each for each in container["volumeMounts"] if each["mountPath"] == "/sandbox/project"]
    claim = volumes[mount["name"]]["persistentVolumeClaim"]

    assert mount["readOnly"] is True
    assert claim["readOnly"] is True
    bound = kind.one("PersistentVolumeClaim", claim["claimName"])["spec"]["volumeName"]
    assert kind.one("PersistentVolume", bound)["spec"]["hostPath"]["path"] == "/sandbox/project"


@pytest.mark.parametrize("component", ["dag-processor", "triggerer", "worker"])
def test_production_gets_its_dags_from_git(production: Rendered, component: str) -> None:
    """Wherever DAG files are read, a container of git-sync brings them."""
    containers = {container["name"] for container in production.pod(component).containers}

    assert {name for name in containers if name.startswith("git-sync")}


def test_dags_can_be_baked_into_the_image(chart: Path) -> None:
    """Without git-sync no pod has a volume for DAGs."""
    baked = Rendered(text=render(chart, "production", TEAM, settings=["airflow.dags.gitSync.enabled=false"]).stdout)

    names = {volume["name"] for pod in baked.pods for volume in pod.spec.get("volumes") or ()}
    assert baked.pods
    assert "dags" not in names


def test_worker_pods_run_the_image_of_the_components(rendered: Rendered) -> None:
    """One image everywhere; and Kubernetes does not restart what Airflow retries."""
    images = {
        container["image"]
        for component in (*COMPONENTS, "worker")
        for container in rendered.pod(component).spec["containers"]
        if not container["name"].startswith("git-sync")
    }

    assert len(images) == 1
    assert rendered.pod("worker").spec["restartPolicy"] == "Never"


def test_production_has_two_of_what_must_not_fail(production: Rendered) -> None:
    """Scheduler and API server survive a drained node: two replicas, and a budget that keeps one of them."""
    for component in ("scheduler", "api-server"):
        assert production.pod(component).replicas >= 2
        budgets = [
            each["spec"]
            for each in production.of("PodDisruptionBudget")
            if each["spec"]["selector"]["matchLabels"].items() <= production.pod(component).labels.items()
        ]
        assert [budget["maxUnavailable"] for budget in budgets] == [1]


def test_the_sandbox_fits_a_small_machine(kind: Rendered) -> None:
    """One replica each; what all pods request together leaves room for worker pods in 4 GiB."""
    units = {"Mi": 1, "Gi": 1024}
    requested = [
        int(container["resources"]["requests"]["memory"][:-2])
        * units[container["resources"]["requests"]["memory"][-2:]]
        for pod in kind.pods
        for container in pod.serves
    ]

    assert {pod.replicas for pod in kind.pods} == {1}
    assert sum(requested) <= 3072


def test_production_runs_none_of_the_sandbox(production: Rendered) -> None:
    """No S3, workspace, engine, archive mirror, no PostgreSQL, no host path."""
    names = {each["metadata"]["name"] for each in production.of("Deployment", "StatefulSet", "Service")}

    assert not {
        name
        for name in names
        for word in ("s3", "workspace", "databricks", "spark", "archive", "postgres")
        if word in name
    }
    assert not production.of("PersistentVolume")


def test_peers_find_the_services_by_their_names(kind: Rendered) -> None:
    """A Service per service of the sandbox, which selects the pod that has its port."""
    for name, port in {"s3": 4566, "databricks": 8090, "spark": 50051, "archive": 8091, "postgres": 5432}.items():
        service = kind.one("Service", name)["spec"]
        (listed,) = service["ports"]
        targets = [pod for pod in kind.pods if service["selector"].items() <= pod.labels.items()]

        assert listed["port"] == port
        assert len(targets) == 1
        ports = [each["containerPort"] for container in targets[0].containers for each in container.get("ports") or ()]
        assert port in ports


def test_the_workspace_is_asked_by_the_name_that_it_answers_to(kind: Rendered) -> None:
    """It refuses foreign names in the header Host, and a kubelet asks by the pod's address."""
    (container,) = [each for each in kind.pod("workspace").containers if each["name"] == "databricks"]

    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert {"name": "Host", "value": "localhost"} in container[probe]["httpGet"]["httpHeaders"]


def test_workspace_and_engine_share_their_volume(kind: Rendered) -> None:
    """Two containers of one pod, the same claim: both see the files of the tables."""
    containers = {each["name"]: each for each in kind.pod("workspace").spec["containers"]}

    assert {"databricks", "spark"} <= set(containers)
    shared = {mount["name"] for mount in containers["databricks"]["volumeMounts"]} & {
        mount["name"] for mount in containers["spark"]["volumeMounts"]
    }
    assert shared


def test_metrics_are_told_to_prometheus_where_it_is_there(kind: Rendered, production: Rendered) -> None:
    """A ServiceMonitor that selects the exporter's Service; neither in the sandbox."""
    (monitor,) = production.of("ServiceMonitor")
    selected = [
        each
        for each in production.of("Service")
        if monitor["spec"]["selector"]["matchLabels"].items() <= each["metadata"]["labels"].items()
    ]

    assert [each["port"] for each in monitor["spec"]["endpoints"]] == ["statsd-scrape"]
    assert "statsd-scrape" in [port["name"] for each in selected for port in each["spec"]["ports"]]
    assert production.airflow_cfg["metrics"]["statsd_on"] == "True"
    assert "statsd" not in yaml.safe_dump([each["metadata"]["name"] for each in kind.objects])
