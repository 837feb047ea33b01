"""The services by name, in the order in which they are shown."""

from __future__ import annotations

from sandbox.services import airflow, archive, databricks, postgres, s3, spark
from sandbox.services.spec import Service

SERVICES: dict[str, Service] = {
    entry.SERVICE.name: entry.SERVICE for entry in (airflow, postgres, s3, databricks, spark, archive)
}
