"""The Spark Connect server of the classic Spark engine: in the foreground, on loopback only, gone at once on SIGTERM.

    python -m sandbox.databricks_stub.kernel.spark.server --settings FILE

The file holds EngineSettings as JSON. JAVA_HOME, AWS_ENDPOINT_URL and the other AWS variables are taken from the
environment.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from sandbox.databricks_stub.kernel.spark import catalog_name
from sandbox.databricks_stub.kernel.spark.catalog import WarehouseCatalog
from sandbox.databricks_stub.kernel.spark.conf import EngineSettings, spark_conf
from sandbox.databricks_stub.kernel.spark.jvm import Java, JavaFailed, running
from sandbox.databricks_stub.kernel.volumes.paths import VolumePaths
from sandbox.databricks_stub.kernel.warehouse import Warehouse

LOOPBACK = "127.0.0.1"
# a container has an interface of its own, which is published on loopback
HOSTS = (LOOPBACK, "0.0.0.0") if "SANDBOX_CONTAINER" in os.environ else (LOOPBACK,)
PORT_SECONDS = 10.0
"""How long a predecessor that was killed may still hold the port."""


def read_settings(file: Path) -> EngineSettings:
    """The settings from a JSON file; raises ValueError or TypeError for one that is none."""
    values: dict[str, Any] = json.loads(file.read_text("utf-8"))
    if values.get("host", LOOPBACK) not in HOSTS:
        raise ValueError(f"the engine listens on one of {', '.join(HOSTS)}, not {values['host']}")
    return EngineSettings(
        **values | {"schemas": tuple(values["schemas"]), "warehouse": Path(values["warehouse"]).absolute()}
    )


def serve(java: Java, settings: EngineSettings) -> None:
    """Configure Spark in this Java process, register the tables, and listen; raises what Java raises."""
    warehouse = Warehouse(settings.warehouse)
    settings = replace(settings, warehouse=warehouse.root)
    for schema in settings.schemas:
        warehouse.make_schema(schema)
    catalog_name.rename(java.jvm, settings.catalog)
    conf = java.jvm.org.apache.spark.SparkConf(False)
    for name, value in spark_conf(settings, os.environ).items():
        # the server listens only when everybody would find the tables
        if name != "spark.plugins":
            conf.set(name, value)
    session = java.jvm.org.apache.spark.sql.classic.SparkSession.builder().config(conf).getOrCreate()
    found = WarehouseCatalog(
        java.gateway,
        session,
        warehouse=warehouse,
        catalog=settings.catalog,
        volumes=VolumePaths(settings.volumes),
    )
    found.load()
    found.listen()
    warehouse.announce_engine()
    java.jvm.org.apache.spark.sql.connect.service.SparkConnectService.start(session.sparkContext())


def wait_for_port(host: str, port: int) -> None:
    """Raises OSError when the port stays taken."""
    deadline = time.monotonic() + PORT_SECONDS
    while True:
        try:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until a signal ends the process, or Java does."""
    parser = argparse.ArgumentParser(prog="spark.server", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--settings", type=Path, required=True)
    settings = read_settings(parser.parse_args(argv).settings)
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    try:
        wait_for_port(settings.host, settings.port)
    except OSError as error:
        print(f"error: the Spark engine cannot listen on {settings.host}:{settings.port}: {error}", file=sys.stderr)
        return 5
    try:
        with running(memory_mib=settings.memory_mib) as java:
            serve(java, settings)
            print(f"Spark Connect at {settings.host}:{settings.port}", flush=True)
            return java.process.wait() or 1
    except JavaFailed as error:
        print(f"error: {error}", file=sys.stderr)
        return 4


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
