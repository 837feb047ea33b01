"""Which runtimes there are: one entry each; locks, builds, checks and `sandbox runtimes list` derive from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import ConfigurationError

LOCKS = Path(__file__).parent / "locks"
"""The folder of the committed locks (`<runtime>.txt`) and of what they were compiled from (`*.in`)."""

TOOL_LOCKS = {"tool": "build", "dev": "dev"}
"""The locks of the tool's own environment, for `make setup` and `make test`, each with its group in pyproject.toml."""

AIRFLOW_PREFIX = "airflow-"


@dataclass(frozen=True, kw_only=True)
class RuntimeSpec:
    """One runtime: what is in it, which Pythons run it, and how its lock is made."""

    name: str
    purpose: str
    pythons: tuple[str, ...]
    """Accepted Python minor versions, the preferred one first."""
    requirements: str
    """The `.in` file (rows of one Airflow version share theirs)."""
    size_mib: int
    """What it takes on disk, measured on Linux; the free space is compared with it before a build."""
    exclude_newer: str | None = None
    """Only packages published before this day enter the lock."""
    variant_of: str | None = None
    """The row whose versions hold in this lock too, but for the providers': for a variant with another provider."""
    jars: str | None = None
    """The lock of the Java archives that it needs beside its packages."""
    finish: str | None = None
    """The script beside this module that its interpreter runs once when everything is installed."""

    @property
    def lock_file(self) -> Path:
        return LOCKS / f"{self.name}.txt"

    @property
    def requirements_file(self) -> Path:
        return LOCKS / self.requirements

    @property
    def jars_file(self) -> Path | None:
        return LOCKS / self.jars if self.jars else None

    @property
    def finish_file(self) -> Path | None:
        return Path(__file__).parent / self.finish if self.finish else None

    @property
    def is_airflow(self) -> bool:
        return self.name.startswith(AIRFLOW_PREFIX)

    @property
    def is_row(self) -> bool:
        """An Airflow on a Python with the providers of its time."""
        return self.is_airflow and self.variant_of is None

    @property
    def lowest_python(self) -> str:
        """The Python that the lock is compiled for; a lock for several covers the later ones by markers."""
        return min(self.pythons, key=lambda minor: tuple(int(part) for part in minor.split(".")))


def airflow_runtime(version: str, python: str, databricks: str = "") -> str:
    """The name of the runtime of an Airflow version on a Python, or of its variant with a databricks provider."""
    return f"{AIRFLOW_PREFIX}{version}-py{python}" + (f"-dbx{databricks}" if databricks else "")


def find_spec(name: str) -> RuntimeSpec:
    """The runtime called `name`; a name that is not registered is an error which lists those that are."""
    spec = RUNTIMES.get(name)
    if spec is None:
        alike = (
            [known for known in RUNTIMES if known.startswith(AIRFLOW_PREFIX)] if name.startswith(AIRFLOW_PREFIX) else []
        )
        raise ConfigurationError(
            f"there is no runtime called {name}",
            why=f"registered are: {', '.join(alike or sorted(RUNTIMES))}",
            next_command="sandbox runtimes list",
        )
    return spec


def _airflow(
    version: str,
    python: str,
    *,
    size_mib: int,
    purpose: str,
    exclude_newer: str | None = None,
    databricks: str = "",
) -> RuntimeSpec:
    return RuntimeSpec(
        name=airflow_runtime(version, python, databricks),
        purpose=purpose,
        pythons=(python,),
        requirements=f"{AIRFLOW_PREFIX}{version}{f'-dbx{databricks}' if databricks else ''}.in",
        size_mib=size_mib,
        exclude_newer=exclude_newer,
        variant_of=airflow_runtime(version, python) if databricks else None,
    )


_ANY = ("3.11", "3.12", "3.13")

# Airflow 3.0.2 with the packages of its own time: a newer fastapi turns its API server's answers into 500s.
_AIRFLOW_302_DAY = "2025-07-15"
# The later rows with packages of their time too: a row shall mean the same next year.
_AIRFLOW_318_DAY = "2026-04-15"
_AIRFLOW_322_DAY = "2026-07-01"
# localstack-core 4.13.1 asks for plux, whose 1.15 it does not start with.
_LOCALSTACK_DAY = "2026-02-10"

_SPECS = (
    _airflow("3.0.2", "3.11", size_mib=760, purpose="Airflow as in production", exclude_newer=_AIRFLOW_302_DAY),
    _airflow(
        "3.0.2", "3.12", size_mib=760, purpose="Airflow as in production, next Python", exclude_newer=_AIRFLOW_302_DAY
    ),
    _airflow("3.0.2", "3.11", size_mib=710, purpose="Airflow as in production, newest provider", databricks="7.23.0"),
    _airflow("3.1.8", "3.12", size_mib=720, purpose="Airflow 3.1", exclude_newer=_AIRFLOW_318_DAY),
    _airflow("3.2.2", "3.12", size_mib=790, purpose="Airflow 3.2", exclude_newer=_AIRFLOW_322_DAY),
    _airflow("3.3.2", "3.12", size_mib=910, purpose="the newest Airflow 3"),
    _airflow("3.3.2", "3.13", size_mib=910, purpose="the newest Airflow 3, next Python"),
    RuntimeSpec(
        name="localstack",
        purpose="S3: LocalStack 4.13.1 without Docker",
        pythons=_ANY,
        requirements="localstack.in",
        size_mib=510,
        exclude_newer=_LOCALSTACK_DAY,
        finish="localstack_index.py",
    ),
    RuntimeSpec(
        name="moto",
        purpose="S3: moto's server, where LocalStack cannot run",
        pythons=_ANY,
        requirements="moto.in",
        size_mib=295,
    ),
    RuntimeSpec(
        name="workspace",
        purpose="the Databricks workspace and the archive mirror",
        pythons=_ANY,
        requirements="workspace.in",
        size_mib=150,
    ),
    RuntimeSpec(
        name="engine-sail",
        purpose="Spark Connect server and notebook kernels: Sail",
        pythons=_ANY,
        requirements="engine-sail.in",
        size_mib=705,
    ),
    RuntimeSpec(
        name="engine-spark",
        purpose="Spark Connect server and notebook kernels: classic Spark",
        pythons=_ANY,
        requirements="engine-spark.in",
        size_mib=1000,
        jars="engine-spark.jars",
    ),
    RuntimeSpec(
        name="postgres",
        purpose="Airflow's metadata database: PostgreSQL from a wheel",
        pythons=_ANY,
        requirements="postgres.in",
        size_mib=80,
    ),
    RuntimeSpec(
        name="ruff",
        purpose="what `validate --row` knows of changes between Airflow's releases: Ruff's AIR rules",
        pythons=_ANY,
        requirements="ruff.in",
        size_mib=35,
    ),
)

RUNTIMES: dict[str, RuntimeSpec] = {spec.name: spec for spec in _SPECS}
