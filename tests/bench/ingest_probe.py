"""Run by Airflow's interpreter: ingests one archive as the DAG's task does; prints seconds and memory as JSON."""

from __future__ import annotations

import json
import resource
import sys
import time
from datetime import UTC, datetime


def _peak_mebibytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """argv: the DAG folder, then the Variables as JSON, then boto3's client arguments as JSON."""
    dags, variables, client_arguments = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
    sys.path.insert(0, dags)
    # what every task of this platform has imported before its first line
    import airflow.providers.amazon.aws.hooks.s3
    import airflow.sdk.execution_time.task_runner  # noqa: F401
    import boto3
    from stack_exchange import ingest, settings, upstream

    s3 = boto3.client("s3", **client_arguments)
    s3.list_buckets()
    before = _peak_mebibytes()
    read = settings.read(variables.get, site=None)
    begun = time.monotonic()
    with upstream.new_client() as client:
        found = ingest.find_new_archive(s3, client, read, force=True)
        assert found is not None
        ingest.ingest(s3, client, read, found, now=datetime.now(UTC))
    seconds = time.monotonic() - begun
    print(json.dumps({"seconds": seconds, "mebibytes": _peak_mebibytes() - before}))


if __name__ == "__main__":
    main()
