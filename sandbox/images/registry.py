"""Which images there are: one entry each; `sandbox images list`, builds and backends derive from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.config import Config
from sandbox.runtimes.store import RuntimeRequest
from sandbox.services import databricks, postgres
from sandbox.services.airflow_row import airflow_request
from sandbox.services.spark import engine_runtime

REPOSITORY = "data-platform-sandbox"
"""First part of every image's name."""
_PACKAGED = Path(__file__).parent / "dockerfiles"
DOCKERFILES = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parent.parent.parent / "images"
"""The folder of the Dockerfiles: in the wheel beside this module, in a checkout at its top."""
PYTHON = "3.11"
"""The Python minor of every image but Airflow's, whose row names its own."""

DEBIAN_PYTHON = f"python:{PYTHON}-slim-bookworm"


@dataclass(frozen=True, kw_only=True)
class ImageSpec:
    """One image: `runtimes` maps its folder below /opt/runtimes to the runtime that is laid out there.

    `islands` are the parts of this package that it runs, `project` the settings that name what the release stage bakes
    in (empty: the image has no release stage), `base` the default base image.
    """

    name: str
    purpose: str
    runtimes: Callable[[Config], Mapping[str, RuntimeRequest]]
    islands: tuple[str, ...]
    base: Callable[[Config], str]
    python: Callable[[Config], str] = lambda config: PYTHON
    project: bool = False

    @property
    def folder(self) -> Path:
        """Its Dockerfile's folder."""
        return DOCKERFILES / self.name


def _base(config: Config) -> str:
    return config.images.base or DEBIAN_PYTHON


_SPECS = (
    ImageSpec(
        name="airflow",
        purpose="Airflow with the providers of its row, and the DAGs",
        runtimes=lambda config: {"airflow": airflow_request(config)},
        islands=("airflow_launcher",),
        base=lambda config: (
            config.images.airflow_base or f"apache/airflow:{config.airflow.version}-python{config.airflow.python}"
        ),
        python=lambda config: config.airflow.python,
        project=True,
    ),
    ImageSpec(
        name="localstack",
        purpose="S3",
        runtimes=lambda config: {config.s3.implementation: RuntimeRequest(name=config.s3.implementation)},
        islands=("localstack_server.py",),
        base=_base,
    ),
    ImageSpec(
        name="workspace",
        purpose="the Databricks workspace and its Spark engine, and the notebooks",
        runtimes=lambda config: {
            name: RuntimeRequest(name=name) for name in (databricks.RUNTIME, engine_runtime(config))
        },
        islands=("databricks_stub",),
        base=_base,
        project=True,
    ),
    ImageSpec(
        name="archive",
        purpose="the mirror of the upstream file host",
        runtimes=lambda config: {databricks.RUNTIME: RuntimeRequest(name=databricks.RUNTIME)},
        islands=("archive/__init__.py", "archive/mirror.py"),
        base=_base,
    ),
    ImageSpec(
        name="postgres",
        purpose="Airflow's metadata database",
        runtimes=lambda config: {"postgres": RuntimeRequest(name=postgres.RUNTIME)},
        islands=(),
        base=lambda config: config.images.base or "debian:bookworm-slim",
    ),
)

IMAGES: dict[str, ImageSpec] = {spec.name: spec for spec in _SPECS}


def interpreters(config: Config) -> dict[str, Path]:
    """Where each runtime's interpreter is inside the images, by the runtime's name."""
    return {
        request.name: Path("/opt/runtimes") / folder / "bin" / "python"
        for spec in IMAGES.values()
        for folder, request in spec.runtimes(config).items()
    }
