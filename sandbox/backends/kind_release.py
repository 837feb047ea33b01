"""The Helm release of a sandbox: the chart with Airflow's own in it, the Secrets, the values, install and upgrade."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from sandbox import postgres
from sandbox.backends import bundled_chart
from sandbox.backends.containers import Contained
from sandbox.backends.kind_cluster import ARCHIVES_ON_NODE, NODE_PORTS, PROJECT_ON_NODE
from sandbox.backends.kind_tools import Tools
from sandbox.config import Config
from sandbox.config.model import Connection
from sandbox.errors import PrerequisiteMissing, SandboxError
from sandbox.images import Image
from sandbox.progress import Progress
from sandbox.runtimes.store import cache_folder, make_cache
from sandbox.services import SERVICES
from sandbox.services.airflow_row import connection_text, environment
from sandbox.services.spec import ARCHIVES, PROJECT, ServiceContext

RELEASE = "sandbox"
OWNER = "data-platform"
"""What is ours carries this as `app.kubernetes.io/part-of`."""
_PACKAGED = Path(__file__).parent / "chart"
CHART = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parent.parent.parent / "chart"
API_SERVER = f"{RELEASE}-api-server"
OWN_CONNECTION = "sandbox_s3"
"""By which Airflow keeps its tasks' logs and its database's dumps, whatever connections a project has."""
OF_THE_CHART = (
    "AIRFLOW_HOME",
    "AIRFLOW__API__HOST",
    "AIRFLOW__API__PORT",
    "AIRFLOW__API__SECRET_KEY",
    "AIRFLOW__API_AUTH__JWT_SECRET",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
    "AIRFLOW__CORE__EXECUTOR",
    "AIRFLOW__CORE__FERNET_KEY",
    "AIRFLOW__CORE__PARALLELISM",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS",
    "AIRFLOW__DAG_PROCESSOR__CHILD_PROCESS_LOG_DIRECTORY",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC",
    "AIRFLOW__LOGGING__BASE_LOG_FOLDER",
    # heartbeats of pods take longer than those of processes
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL",
)
"""Variables of the process form that the chart sets itself, or that have no meaning on Kubernetes."""


def chart_folder(config: Config, target: Path, tools: Tools) -> Path:
    """Lay the umbrella chart out at `target` with Airflow's chart inside; returns the folder.

    Airflow's chart comes from `airflow.chart` (folder or archive), the bundle, the cache, or its repository. Raises
    PrerequisiteMissing where none of them has it.
    """
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(CHART, target, ignore=shutil.ignore_patterns("charts", "Chart.lock"))
    version = config.airflow.chart_version
    definition = yaml.safe_load((target / "Chart.yaml").read_text())
    definition["dependencies"][0]["version"] = version
    (target / "Chart.yaml").write_text(yaml.safe_dump(definition, sort_keys=False))
    inside = target / "charts"
    inside.mkdir()
    if config.airflow.chart:
        _take(Path(config.airflow.chart).expanduser(), inside, version)
        return target
    shutil.copy2(
        bundled_chart.find(version) or fetched(definition["dependencies"][0]["repository"], version, tools), inside
    )
    return target


def chart_archive(config: Config) -> Path:
    """Airflow's chart as an archive or a folder of this machine, for a bundle; it needs no cluster."""
    if config.airflow.chart:
        return Path(config.airflow.chart).expanduser()
    [wanted] = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))["dependencies"]
    nowhere = Tools(kubeconfig=None, namespace="default", context="")
    return fetched(wanted["repository"], config.airflow.chart_version, nowhere)


def fetched(repository: str, version: str, tools: Tools) -> Path:
    """Airflow's chart as an archive of the cache, fetched there from its repository where it is not."""
    cached = cache_folder() / "charts" / f"airflow-{version}.tgz"
    if not cached.exists():
        make_cache(cached.parent.parent)
        cached.parent.mkdir(exist_ok=True)
        options = ("--repo", repository, "--version", version, "--destination", str(cached.parent))
        try:
            tools.run("helm", "pull", "airflow", *options)
        except SandboxError as error:
            raise PrerequisiteMissing(
                f"Airflow's chart {version} cannot be fetched from {repository}",
                why=error.why,
                next_command="SANDBOX_AIRFLOW_CHART=/path/to/airflow-chart.tgz sandbox up --backend kind",
            ) from error
    return cached


def _take(source: Path, inside: Path, version: str) -> None:
    found = ""
    if source.is_dir() and (source / "Chart.yaml").is_file():
        found = str(yaml.safe_load((source / "Chart.yaml").read_text())["version"])
        shutil.copytree(source, inside / "airflow")
    elif source.is_file() and tarfile.is_tarfile(source):
        with tarfile.open(source) as archive:
            member = archive.extractfile("airflow/Chart.yaml")
            found = str(yaml.safe_load(member.read())["version"]) if member else ""
        shutil.copy2(source, inside)
    if found != version:
        raise PrerequisiteMissing(
            f"{source} is not Airflow's chart {version}",
            why=f"it holds version {found}" if found else "it is neither a chart's folder nor its archive",
            next_command="sandbox config    (airflow.chart and airflow.chart_version)",
        )


def secrets(services: Iterable[Contained], inner: ServiceContext) -> list[dict[str, Any]]:
    """The Secrets that the release needs: what the chart would generate, the services' environments and files."""
    made = inner.credentials
    connection = f"postgresql://{postgres.USER}:{made.database_password}@postgres:{postgres.PORT}/{postgres.DATABASE}"
    texts: dict[str, Mapping[str, str]] = {
        "sandbox-postgres": {"password": made.database_password},
        "sandbox-metadata": {"connection": connection},
        "sandbox-fernet": {"fernet-key": made.fernet_key},
        "sandbox-api": {"api-secret-key": made.api_secret_key},
        "sandbox-jwt": {"jwt-secret": made.jwt_secret},
        "sandbox-admin": {
            "username": made.airflow_user,
            "password": made.airflow_password,
            "email": f"{made.airflow_user}@example.com",
        },
        "sandbox-airflow-env": airflow_environment(inner),
    }
    for service in services:
        texts[f"sandbox-{service.name}-env"] = service.process.env
        if service.process.files:
            texts[f"sandbox-{service.name}-files"] = {path.name: text for path, text in service.process.files.items()}
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "Opaque",
            "metadata": {"name": name},
            "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
        }
        for name, data in texts.items()
    ]


def airflow_environment(inner: ServiceContext) -> dict[str, str]:
    """Airflow's variables less those that the chart sets, and the connection of what the chart itself stores."""
    values = {name: value for name, value in environment(inner).items() if name not in OF_THE_CHART}
    return values | {f"AIRFLOW_CONN_{OWN_CONNECTION.upper()}": connection_text(Connection(service="s3"), inner)}


def values(
    config: Config, services: Iterable[Contained], images: Mapping[str, Image], inner: ServiceContext
) -> dict[str, Any]:
    """What the plan says, as the chart's values; no secret is among them."""
    airflow = images["airflow"]
    digest = hashlib.sha256(json.dumps(secrets(services, inner), sort_keys=True).encode()).hexdigest()[:16]
    annotations = {"sandbox/secrets": digest}
    project_mount = {"name": "project", "mountPath": str(inner.paths.project), "readOnly": True}
    return {
        "postgresql": {"image": images["postgres"].reference, "data": _database_folder(config)},
        "sandbox": {
            "hostPaths": {PROJECT: PROJECT_ON_NODE, ARCHIVES: ARCHIVES_ON_NODE},
            "services": {service.name: _service(service, images) for service in services},
        },
        "airflow": {
            "airflowVersion": config.airflow.version,
            "defaultAirflowRepository": airflow.repository,
            "defaultAirflowTag": airflow.tag,
            "images": {
                name: {"repository": airflow.repository, "tag": airflow.tag} for name in ("airflow", "pod_template")
            },
            "volumes": [{"name": "project", "persistentVolumeClaim": {"claimName": PROJECT, "readOnly": True}}],
            "volumeMounts": [project_mount],
            "config": {"kubernetes_executor": {"delete_worker_pods": str(config.kind.delete_worker_pods)}},
            # whoever reads a Secret at its start must start anew when that changes
            **{
                part: {"podAnnotations": annotations}
                for part in ("apiServer", "scheduler", "dagProcessor", "triggerer")
            },
        },
    }


def _database_folder(config: Config) -> str:
    # a history per Airflow version: another version's schema is another database
    return f"/sandbox/state/postgres/{config.airflow.version}"


def _service(service: Contained, images: Mapping[str, Image]) -> dict[str, Any]:
    files = [{"key": path.name, "path": str(path)} for path in service.process.files]
    kinds = {PROJECT: PROJECT, ARCHIVES: ARCHIVES}
    return {
        "image": images[service.form.image].reference,
        "pod": service.form.pod,
        "command": list(service.process.argv),
        "workingDir": str(service.process.cwd),
        "port": service.port,
        "nodePort": NODE_PORTS[service.name],
        "envSecret": f"sandbox-{service.name}-env",
        "filesSecret": f"sandbox-{service.name}-files",
        "files": files,
        "healthPath": _health_path(service),
        "volumes": [
            {"name": mount.source, "mountPath": mount.target, "kind": kinds.get(mount.source, "volume")}
            for mount in service.form.mounts
        ],
        "restartOn": service.digest,
    }


def _health_path(service: Contained) -> str | None:
    probe = service.probe
    return "/" + probe.target.split("/", 3)[3] if probe.kind == "http" else None


def install(
    chart: Path,
    rendered: Mapping[str, Any],
    profile: str,
    tools: Tools,
    progress: Progress,
    *,
    files: Sequence[Path] = (),
) -> None:
    """Install or upgrade the release; returns when Kubernetes has accepted it, not when it is ready.

    Over the profile lie the user's `files`, and over these what is `rendered`.
    """
    with progress.step("chart") as step:
        text = yaml.safe_dump(dict(rendered), sort_keys=True)
        tools.run(
            *("helm", "upgrade", "--install", RELEASE, str(chart)),
            *("--namespace", tools.namespace, "--history-max", "5"),
            *("--values", str(chart / "profiles" / f"{profile}.yaml")),
            *(word for file in files for word in ("--values", str(file))),
            *("--values", "-"),
            stdin=text,
        )
        step.done(f"release {RELEASE} in namespace {tools.namespace}")


def namespace(tools: Tools, *, enforce: str) -> None:
    """Make the namespace with the pod security that its pods keep to."""
    labels = {
        "pod-security.kubernetes.io/enforce": enforce,
        "pod-security.kubernetes.io/warn": "restricted",
        "app.kubernetes.io/part-of": OWNER,
    }
    tools.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": tools.namespace, "labels": labels}}])


def known_services() -> list[str]:
    """The services that the release runs beside Airflow and its database."""
    return [name for name in SERVICES if name in NODE_PORTS and name != "airflow"]
