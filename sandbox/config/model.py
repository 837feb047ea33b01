"""The settings: names, types, defaults and one sentence each, which docs/configuration.md repeats."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0)]
BucketName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
SiteName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Section(BaseModel):
    """What every table of sandbox.toml has in common: frozen, strict, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Project(Section):
    """Where the production artefacts lie, relative to sandbox.toml."""

    dags: str = Field("dags", description="Folder of the DAG files.")
    notebooks: str = Field("notebooks", description="Folder of the notebooks.")
    bundle: str = Field(
        "databricks.yml",
        description="The Databricks asset bundle that defines the jobs; when this is not set, there may be none.",
    )
    bundle_target: str = Field("local", description="The bundle's target that the sandbox deploys.")
    matrix: str = Field("matrix.toml", description="The cells that `sandbox matrix` tests.")


class Connection(Section):
    """An Airflow connection: either aimed at a service of the sandbox, or spelled out."""

    service: Literal["s3", "databricks"] | None = Field(None, description="Aim it at this service of the sandbox.")
    conn_type: str | None = Field(None, description="The type of a connection that is spelled out.")
    host: str | None = Field(None, description="Its host.")
    port: Port | None = Field(None, description="Its port.")
    login: str | None = Field(None, description="Its user.")
    password: str | None = Field(None, description="Its password.")
    # `schema` is Airflow's word; pydantic keeps that attribute name for itself
    schema_: str | None = Field(None, alias="schema", description="Its schema.")
    extra: dict[str, Any] = Field(default_factory=dict, description="Its extra fields.")

    @model_validator(mode="after")
    def _one_of_two(self) -> Connection:
        if self.service is None and self.conn_type is None:
            raise ValueError('needs `service = "s3"` or `"databricks"`, or a `conn_type` of its own')
        if self.service is not None and self.conn_type is not None:
            raise ValueError("takes `service` or `conn_type`, not both")
        return self


class Pool(Section):
    """An Airflow pool."""

    slots: int = Field(ge=1, description="How many tasks run in it at the same time.")
    description: str = Field("", description="What it is for.")


class Airflow(Section):
    """The Airflow row and what its DAGs need."""

    version: str = Field("3.0.2", description="Airflow's version; with `python` it names a locked runtime.")
    python: str = Field("3.11", description="The Python minor version Airflow runs on.")
    port: Port = Field(8080, description="Port of the API server and UI.")
    launcher: Literal["prefork", "plain"] = Field(
        "prefork",
        description="`prefork` imports Airflow once and forks; `plain` starts `airflow <component>` processes.",
    )
    providers: dict[str, str] = Field(default_factory=dict, description="Provider versions other than the lock's.")
    extra_requirements: tuple[str, ...] = Field((), strict=False, description="Further packages that the DAGs import.")
    locks: str = Field("locks", description="Folder of the project's own locks, which `sandbox runtimes lock` writes.")
    connections: dict[str, Connection] = Field(default_factory=dict, description="Connections by production's names.")
    variables: dict[str, str] = Field(
        default_factory=dict,
        description="Airflow Variables; `{s3.url}`, `{archive.url}`, `{databricks.url}` stand for the services.",
    )
    chart_version: str = Field("1.18.0", description="Version of the official Helm chart (kind backend).")
    chart: str = Field("", description="Folder or archive of the official Helm chart; empty: its repository.")
    pools: dict[str, Pool] = Field(default_factory=dict, description="Pools, created when they do not exist.")
    config: dict[str, str] = Field(
        default_factory=dict, description='Further Airflow options, written as `"section.option" = "value"`.'
    )

    @field_validator("config")
    @classmethod
    def _section_and_option(cls, value: dict[str, str]) -> dict[str, str]:
        for key in value:
            if not re.fullmatch(r"[a-z_0-9.]+\.[a-z_0-9]+", key):
                raise ValueError(f'"{key}" is not of the form "section.option"')
        return value


class S3(Section):
    """The object store."""

    port: Port = Field(4566, description="Port of the S3 endpoint.")
    implementation: Literal["localstack", "moto"] = Field("localstack", description="What serves S3.")
    region: str = Field("eu-west-1", description="AWS region of the buckets.")
    buckets: tuple[BucketName, ...] = Field((), strict=False, description="Buckets that exist from the start.")


class Sample(Section):
    """The archive that is generated when the mirror's folder has none of that site."""

    site: SiteName = Field("sample.stackexchange.com", description="The site's name.")
    posts: int = Field(2000, ge=0, description="How many posts it has.")
    users: int = Field(600, ge=0, description="How many users it has.")
    seed: int = Field(1, description="The same seed makes the same bytes.")


class Archive(Section):
    """The mirror of the upstream file host."""

    port: Port = Field(8091, description="Port of the mirror.")
    sample: Sample = Field(default_factory=Sample)


class Databricks(Section):
    """The workspace that executes the jobs."""

    port: Port = Field(8090, description="Port of the workspace.")
    catalog: Identifier = Field("projects", description="The Unity Catalog catalog.")
    schemas: tuple[Identifier, ...] = Field(
        ("default",), strict=False, min_length=1, description="Its schemas; the first is the one in use."
    )
    warehouses: tuple[str, ...] = Field(
        ("sandbox",),
        strict=False,
        min_length=1,
        description="Names under which clients find the SQL warehouse, such as `sql_endpoint_name` in DAGs.",
    )
    volumes: dict[str, str] = Field(
        default_factory=dict,
        description='External volumes: `"catalog.schema.volume" = "s3://bucket/prefix/"`.',
    )
    secrets: dict[str, dict[str, str]] = Field(default_factory=dict, description="Secrets by scope and key.")
    max_parallel_tasks: int = Field(2, ge=1, description="How many tasks of a job_run execute at the same time.")

    @field_validator("volumes")
    @classmethod
    def _volume_names(cls, value: dict[str, str]) -> dict[str, str]:
        for name, location in value.items():
            if len(name.split(".")) != 3:
                raise ValueError(f'"{name}" is not of the form "catalog.schema.volume"')
            if not location.startswith("s3://"):
                raise ValueError(f'the location of "{name}" must start with s3://')
        return value


class Engine(Section):
    """The Spark engine of the notebooks."""

    name: Literal["sail", "spark", "remote"] = Field(
        "sail", description="`sail`; `spark` is classic Spark on Java; `remote` is a server at `engine.remote_url`."
    )
    port: Port = Field(50051, description="Port of its Spark Connect endpoint.")
    remote_url: str | None = Field(
        None, description="The Spark Connect server of engine `remote`: `sc://host:port/;token=…`."
    )
    java_home: str | None = Field(None, description="The Java that `spark` runs on, where it is not the machine's own.")
    memory_mib: int = Field(1024, ge=512, description="Heap of `spark`; its process takes about 400 MiB more.")
    cores: int = Field(2, ge=1, description="How many tasks `spark` executes at the same time.")

    @model_validator(mode="after")
    def _remote_has_a_url(self) -> Engine:
        if self.name == "remote" and not (self.remote_url or "").startswith("sc://"):
            raise ValueError("`remote` needs a `remote_url` that starts with sc://")
        return self


class Images(Section):
    """The container images of the docker and kind backends."""

    base: str = Field("", description="Base image of all but Airflow's; empty: the official Python and Debian images.")
    airflow_base: str = Field(
        "", description="Base image of Airflow's; empty: `apache/airflow` of the same version. Any Debian will do."
    )


class Docker(Section):
    """The docker backend."""

    postgres_image: str = Field("", description="PostgreSQL image; empty: our own, built from the lock.")


class Kind(Section):
    """The kind backend."""

    kubernetes: str = Field("", description="Kubernetes version of the cluster; empty: the one `kind` is made for.")
    node_image: str = Field(
        "", description="Node image of the cluster; empty: KIND_NODE_IMAGE, or `kindest/node` of that version."
    )
    namespace: str = Field("data-platform", description="Namespace of the release.")
    delete_worker_pods: bool = Field(False, description="Delete the pods of finished tasks.")


class Cluster(Section):
    """A cluster that is there already: `sandbox up --context NAME`."""

    context: str = Field("", description="Its context in your kubeconfig.")
    namespace: str = Field("data-platform", description="Namespace of the release.")
    values: tuple[str, ...] = Field(
        (), strict=False, description="Files of values, relative to sandbox.toml, laid over the production profile."
    )


class Run(Section):
    """What `sandbox run` does when it is given no arguments."""

    dag: str | None = Field(None, description="The DAG to trigger.")
    conf: dict[str, Any] = Field(default_factory=dict, description="The dag_run's conf.")
    archive_conf: dict[str, Any] = Field(
        default_factory=dict,
        description="Conf that `--archive` adds; `{site}` stands for the archive's name without its ending.",
    )
    show: dict[str, str] = Field(
        default_factory=dict, description="Statements whose rows `sandbox quickstart` prints, by title."
    )


class Wiring(Section):
    """What `sandbox validate` checks beyond the import of the DAGs."""

    ignore: tuple[str, ...] = Field(
        (), strict=False, description="Findings that are meant: `rule` or `rule:subject`, with `*` for anything."
    )


class Limits(Section):
    """How long things may take."""

    up_seconds: Seconds = Field(
        300.0, strict=False, description="How long `up` waits for the services (kind: twice as long)."
    )
    run_seconds: Seconds = Field(3600.0, strict=False, description="How long `run` follows a chain.")


BACKENDS_WITHOUT_JAVA = ("docker", "kind", "cluster")
NO_JAVA = "the engine `spark` runs on the process backend only: no image of {backend} has Java"


class Config(Section):
    """All settings of one sandbox."""

    backend: Literal["process", "docker", "kind", "cluster"] = Field(
        "process", description="Where the services run; `cluster` is one of yours, at `cluster.context`."
    )
    project: Project = Field(default_factory=Project)
    airflow: Airflow = Field(default_factory=Airflow)
    s3: S3 = Field(default_factory=S3)
    archive: Archive = Field(default_factory=Archive)
    databricks: Databricks = Field(default_factory=Databricks)
    engine: Engine = Field(default_factory=Engine)
    images: Images = Field(default_factory=Images)
    docker: Docker = Field(default_factory=Docker)
    kind: Kind = Field(default_factory=Kind)
    cluster: Cluster = Field(default_factory=Cluster)
    run: Run = Field(default_factory=Run)
    wiring: Wiring = Field(default_factory=Wiring)
    limits: Limits = Field(default_factory=Limits)

    @model_validator(mode="after")
    def _java_needs_processes(self) -> Config:
        if self.engine.name == "spark" and self.backend in BACKENDS_WITHOUT_JAVA:
            raise ValueError(NO_JAVA.format(backend=self.backend))
        return self
