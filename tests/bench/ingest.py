"""Ingestion of about 1 GB of XML: throughput against `7z x` alone, and peak memory beyond Airflow's own."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import time
from pathlib import Path

from sandbox.archive.generate import generate
from sandbox.backends.process import clean_environment
from sandbox.errors import PrerequisiteMissing
from sandbox.services.airflow_row import airflow_request
from tests.bench import ingest_probe
from tests.bench.benchmarks import project
from tests.bench.model import Result
from tests.driver import Cli

POSTS, USERS = 700_000, 150_000
SITE = "huge.stackexchange.com"


def _unpack(archive: Path, folder: Path) -> tuple[float, int]:
    """Seconds of `7z x` of the two members, and their size in bytes."""
    seven_zip = shutil.which("7z")
    if seven_zip is None:
        raise PrerequisiteMissing("7z, the peer of this benchmark, is missing", next_command="apt install p7zip-full")
    begun = time.monotonic()
    argv = [seven_zip, "x", "-y", f"-o{folder}", str(archive), "Posts.xml", "Users.xml"]
    subprocess.run(argv, check=True, capture_output=True)
    seconds = time.monotonic() - begun
    size = sum(file.stat().st_size for file in folder.iterdir())
    shutil.rmtree(folder)
    return seconds, size


def _ingest(cli: Cli) -> dict[str, float]:
    context = cli.context
    variables = {
        "data_bucket": context.config.s3.buckets[0],
        "stack_exchange_site": SITE,
        "stack_exchange_base_url": f"{context.url('archive')}/download/stackexchange/",
    }
    client = {
        "endpoint_url": context.url("s3"),
        "aws_access_key_id": context.credentials.aws_access_key_id,
        "aws_secret_access_key": context.credentials.aws_secret_access_key,
        "region_name": context.config.s3.region,
    }
    python = context.interpreters[airflow_request(context.config).name]
    done = subprocess.run(
        [str(python), ingest_probe.__file__, str(cli.project / "dags"), json.dumps(variables), json.dumps(client)],
        env=clean_environment(os.environ) | {"AIRFLOW_HOME": str(cli.project.parent / "home")},
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def ingest(repeat: int) -> list[Result]:
    """The task's function and `7z x` of the same archive in turn."""
    with project() as cli:
        archive = cli.paths.archives / f"{SITE}.7z"
        archive.parent.mkdir(parents=True)
        generate(archive, site=SITE, posts=POSTS, users=USERS, seed=1, other_rows=1.0)
        cli("up")
        ours, peers, size = [], [], 0
        for _ in range(repeat):
            ours.append(_ingest(cli))
            seconds, size = _unpack(archive, cli.project.parent / "unpacked")
            peers.append(seconds)
    speed = statistics.median(size / each["seconds"] for each in ours) / 1e6
    return [
        Result(
            name="ingest",
            what=f"{size / 1e9:.2f} GB of XML downloaded, unpacked, checked and uploaded",
            unit="MB/s",
            ours=speed,
            peer=statistics.median(size / seconds for seconds in peers) / 1e6,
            peer_name="7z x Posts.xml Users.xml",
            goal=0.8,
            higher_is_better=True,
        ),
        Result(
            name="ingest memory",
            what="peak RSS of that task beyond Airflow's own",
            unit="MiB",
            ours=max(each["mebibytes"] for each in ours),
            goal=150,
        ),
    ]
