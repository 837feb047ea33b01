"""ServiceSpec: what a service is, how it runs as a process and in a container; its endpoint and its probe."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.config import Config
from sandbox.health import Probe
from sandbox.paths import StatePaths
from sandbox.runtimes.store import RuntimeRequest

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What `up` generates once per sandbox; kept in credentials.json, mode 0600."""

    airflow_user: str
    airflow_password: str
    fernet_key: str
    jwt_secret: str
    api_secret_key: str
    database_password: str
    databricks_token: str
    aws_access_key_id: str
    aws_secret_access_key: str


@dataclass(frozen=True, kw_only=True)
class ServiceContext:
    """What a service may know when its process is described; everything is decided, nothing is looked up.

    `ports` and `hosts` (127.0.0.1 where it names none) are where services reach each other, `published` is where this
    machine reaches those whose address differs from that, and `bind` is the interface that they listen on.
    """

    config: Config
    paths: StatePaths
    credentials: Credentials
    ports: Mapping[str, int]
    interpreters: Mapping[str, Path]
    runtime_keys: Mapping[str, str]
    tool_interpreter: Path
    cache: Path
    hosts: Mapping[str, str] = field(default_factory=dict)
    published: Mapping[str, int] = field(default_factory=dict)
    bind: str = LOOPBACK

    def host(self, service: str) -> str:
        """The host name or address at which other services reach it."""
        return self.hosts.get(service, LOOPBACK)

    def address(self, service: str) -> str:
        """`host:port` at which other services reach it."""
        return f"{self.host(service)}:{self.ports[service]}"

    def url(self, service: str) -> str:
        """The base URL of a service that speaks HTTP, as other services use it."""
        return f"http://{self.address(service)}"

    def public_url(self, service: str) -> str:
        """Its base URL as a browser on this machine opens it: what links and pages carry."""
        return f"http://{LOOPBACK}:{self.published[service]}" if service in self.published else self.url(service)

    @property
    def dags(self) -> Path:
        """The DAG folder, on this machine."""
        return self.paths.project / self.config.project.dags

    @property
    def aws_environment(self) -> dict[str, str]:
        """The variables that aim any AWS client at the sandbox's S3."""
        return {
            "AWS_ENDPOINT_URL": self.url("s3"),
            "AWS_ACCESS_KEY_ID": self.credentials.aws_access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.credentials.aws_secret_access_key,
            "AWS_DEFAULT_REGION": self.config.s3.region,
            "AWS_REGION": self.config.s3.region,
        }

    @property
    def islands(self) -> dict[str, str]:
        """The environment in which `python -m sandbox.<island>` works under any interpreter."""
        return {"PYTHONPATH": str(self.paths.package_link)}


@dataclass(frozen=True, kw_only=True)
class ProcessForm:
    """A process in the foreground that stops on SIGTERM.

    `argv[0]` is absolute, `env` adds to a clean environment; `cwd` and `folders` are created, and `files` written (mode
    0600), before the start.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path
    folders: tuple[Path, ...] = ()
    files: Mapping[Path, str] = field(default_factory=dict)

    @property
    def files_digest(self) -> str:
        """Sixteen hex digits of the files and what is in them: a process that has read others is outdated."""
        texts = {str(path): text for path, text in self.files.items()}
        return hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()[:16]


PROJECT = "project"
ARCHIVES = "archives"


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A folder of a container: `source` is PROJECT or ARCHIVES, folders of this machine that it may only read, or the
    name of a volume that lives as long as the sandbox's state; services that name the same volume share it."""

    source: str
    target: str

    @property
    def is_volume(self) -> bool:
        return self.source not in (PROJECT, ARCHIVES)


@dataclass(frozen=True, kw_only=True)
class ContainerForm:
    """How a service runs from an image: what the process form says, in the places that the image has.

    `image` names an entry of the image registry; services of the same `pod` share one on Kubernetes (they share a
    volume). `process` replaces the service's own process form where a container's differs.
    """

    image: str
    pod: str
    mounts: tuple[Mount, ...] = ()
    process: Callable[[ServiceContext], ProcessForm] | None = None


@dataclass(frozen=True, kw_only=True)
class Service:
    """A registry entry: one service of the sandbox, whatever the configuration says.

    `runtimes` names what must be built; `process` describes the process, `container` the container; `probe` asks it;
    `url` is what a user opens or aims a client at; `on_ready` runs every time the service has become healthy, first
    start or restart, must be idempotent, and returns what `status` shows. `log_files` are further logs under logs/.
    `default_port` is None for a service without a port. `check` raises PrerequisiteMissing when this machine
    lacks what no runtime brings. `yields_to` names a service that has the processors first: this one, which is ready
    in no time, is started when that one is healthy, or a moment later at the latest.
    """

    name: str
    title: str
    default_port: Callable[[Config], int] | None
    port_setting: str
    runtimes: Callable[[Config], tuple[RuntimeRequest, ...]]
    process: Callable[[ServiceContext], ProcessForm]
    container: ContainerForm
    probe: Callable[[ServiceContext], Probe]
    url: Callable[[ServiceContext], str]
    on_ready: Callable[[ServiceContext], str] | None = None
    log_files: tuple[str, ...] = ()
    enabled: Callable[[Config], bool] = lambda config: True
    check: Callable[[Config], None] | None = None
    yields_to: str = ""
    stop_signal: str = "SIGTERM"
    stop_seconds: float = 10.0
