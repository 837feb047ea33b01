"""Run by Airflow's interpreter on Linux: ingests one archive as the DAG's task does; prints seconds and memory."""

from __future__ import annotations

import gc
import json
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path


def _mebibytes(field: str) -> float:
    """A field of /proc/self/status; `ru_maxrss` will not do, as it begins with the peak of the process that forked."""
    found = re.search(rf"^{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


def main() -> None:
    """argv: the DAG folder, then the Variables as JSON, then boto3's client arguments as JSON."""
    dags, variables, client_arguments = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
    # what Airflow has imported before a task's first line; all that the task itself imports counts as the task's
    import airflow.providers.amazon.aws.hooks.s3
    import airflow.sdk.execution_time.task_runner  # noqa: F401
    import boto3

    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _mebibytes("VmRSS")
    begun = time.monotonic()
    sys.path.insert(0, dags)
    from stack_exchange import ingest, settings, upstream

    s3 = boto3.client("s3", **client_arguments)
    read = settings.read(variables.get, site=None)
    with upstream.new_client() as client:
        found = ingest.find_new_archive(s3, client, read, force=True)
        assert found is not None
        manifest = ingest.ingest(s3, client, read, found, now=datetime.now(UTC))
    value = {
        "seconds": time.monotonic() - begun,
        "mebibytes": _mebibytes("VmHWM") - before,
        "airflow_mebibytes": before,
        "bytes": sum(file.size_bytes for file in manifest.files.values()),
    }
    print(json.dumps(value))


if __name__ == "__main__":
    main()
