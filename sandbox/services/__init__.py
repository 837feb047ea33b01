"""The services by name, in the order in which they are shown."""

from __future__ import annotations

from sandbox.services import s3
from sandbox.services.spec import Service

SERVICES: dict[str, Service] = {entry.SERVICE.name: entry.SERVICE for entry in (s3,)}
