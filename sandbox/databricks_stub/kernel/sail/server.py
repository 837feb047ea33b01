"""The Spark Connect server of the Sail engine: in the foreground, on loopback only, gone at once on SIGTERM.

    python -m sandbox.databricks_stub.kernel.sail.server --port 15002 --catalog projects --schema default \
        --warehouse DIR

AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION are taken from the environment.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from sandbox.databricks_stub.kernel.warehouse import Warehouse

LOOPBACK = "127.0.0.1"
# a container has an interface of its own, which is published on loopback
HOSTS = (LOOPBACK, "0.0.0.0") if "SANDBOX_CONTAINER" in os.environ else (LOOPBACK,)
SESSION_TIMEOUT_SECONDS = 24 * 3600
"""Sail forgets an idle session after 15 minutes by default; the resident SQL session idles longer."""


def environment(*, catalog: str, schemas: Sequence[str], endpoint: str | None) -> dict[str, str]:
    """What Sail reads from its environment, beside what it is given."""
    # JSON strings are TOML strings too, and Sail reads TOML
    entry = f'{{name={json.dumps(catalog)},type="memory",initial_database=[{json.dumps(schemas[0])}]}}'
    found = {
        "SAIL_CATALOG__LIST": f"[{entry}]",
        "SAIL_CATALOG__DEFAULT_CATALOG": json.dumps(catalog),
        "SAIL_CATALOG__DEFAULT_DATABASE": json.dumps([schemas[0]]),
        "SAIL_SPARK__SESSION_TIMEOUT_SECS": str(SESSION_TIMEOUT_SECONDS),
    }
    if endpoint and endpoint.startswith("http:"):
        found["AWS_ALLOW_HTTP"] = "true"
    return found


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sail.server", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--host", default=LOOPBACK, choices=HOSTS)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--catalog", required=True)
    parser.add_argument("--schema", action="append", required=True, dest="schemas")
    parser.add_argument("--warehouse", type=Path, required=True)
    return parser.parse_args(argv)


def warm_up() -> None:
    """Import what the first Python data source would otherwise wait for."""
    with contextlib.suppress(ImportError):
        import boto3  # noqa: F401
        import pyarrow.compute  # noqa: F401
        import pyspark.sql.datasource
        import pyspark.sql.pandas.types  # noqa: F401


def _check_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until a signal ends the process."""
    arguments = _arguments(sys.argv[1:] if argv is None else argv)
    # Sail's own handlers would wait for open sessions
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.environ.update(
        environment(catalog=arguments.catalog, schemas=arguments.schemas, endpoint=os.environ.get("AWS_ENDPOINT_URL"))
    )
    warehouse = Warehouse(arguments.warehouse)
    for schema in arguments.schemas:
        warehouse.make_schema(schema)

    try:
        _check_port(arguments.host, arguments.port)
    except OSError as error:
        print(f"error: the Spark engine cannot listen on {arguments.host}:{arguments.port}: {error}", file=sys.stderr)
        return 5
    # before the first session can be made
    warehouse.announce_engine()

    from pysail.spark import SparkConnectServer

    server = SparkConnectServer(arguments.host, arguments.port)
    server.start(background=True)
    warm_up()
    stopped = threading.Event()
    while server.running:
        stopped.wait(1.0)
    return 1


if __name__ == "__main__":
    sys.exit(main())
