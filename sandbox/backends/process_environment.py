"""What of the user's environment reaches the services."""

from __future__ import annotations

from collections.abc import Mapping

FOREIGN_PREFIXES = (
    "AIRFLOW_",
    "AWS_",
    "DATABRICKS_",
    "JUPYTER",
    "LOCALSTACK_",
    "PG",
    "PYTHON",
    "SAIL_",
    "SANDBOX_",
    "SPARK_",
)
"""Variables of the user's shell that would lead a service to other code, other settings or a real cloud account."""


def clean_environment(env: Mapping[str, str]) -> dict[str, str]:
    """The environment of the services: the user's, less what must not reach them, and no proxy for loopback."""
    kept = {name: value for name, value in env.items() if not name.startswith(FOREIGN_PREFIXES)}
    kept.pop("VIRTUAL_ENV", None)
    return kept | {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost", "PYTHONUNBUFFERED": "1"}
