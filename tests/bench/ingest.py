"""Ingestion of about 1 GB of XML: throughput against `7z x` alone, and peak memory beyond Airflow's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from sandbox.archive.generate import generate
from sandbox.backends.process_environment import clean_environment
from tests.bench import ingest_probe
from tests.bench.model import Result, Sample, medians
from tests.bench.project import airflow_python, project, timed
from tests.driver import Cli

POSTS, USERS = 870_000, 190_000
SITE = "huge.stackexchange.com"
MEMBERS = ("Posts.xml", "Users.xml")


def _unpack(seven_zip: str, archive: Path, folder: Path) -> tuple[float, int]:
    """Seconds of `7z x` of the two members, and their size in bytes."""
    argv = [seven_zip, "x", "-y", f"-o{folder}", str(archive), *MEMBERS]
    seconds = timed(lambda: subprocess.run(argv, check=True, capture_output=True))
    size = sum((folder / name).stat().st_size for name in MEMBERS)
    shutil.rmtree(folder)
    return seconds, size


def _ingest(cli: Cli) -> dict[str, float]:
    context = cli.context
    variables = {
        "data_bucket": context.config.s3.buckets[0],
        "stack_exchange_site": SITE,
        "stack_exchange_base_url": f"{context.url('archive')}/download/stackexchange/",
        "stack_exchange_temp_folder": str(cli.project.parent),  # the disk that the peer writes to
    }
    client = {
        "endpoint_url": context.url("s3"),
        "aws_access_key_id": context.credentials.aws_access_key_id,
        "aws_secret_access_key": context.credentials.aws_secret_access_key,
        "region_name": context.config.s3.region,
    }
    python = str(airflow_python(cli))
    done = subprocess.run(
        [python, ingest_probe.__file__, str(cli.project / "dags"), json.dumps(variables), json.dumps(client)],
        env=clean_environment(os.environ) | {"AIRFLOW_HOME": str(cli.project.parent / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    cli.bucket(context.config.s3.buckets[0]).objects.filter(Prefix="raw/").delete()
    return found


def ingest(repeat: int) -> list[Result]:
    """The task's function and `7z x` of the same archive in turn; without a 7z only the task's."""
    seven_zip = shutil.which("7z")
    ours: list[dict[str, float]] = []
    speeds: list[Sample] = []
    with project() as cli:
        archive = cli.paths.archives / f"{SITE}.7z"
        generate(archive, site=SITE, posts=POSTS, users=USERS, seed=1, other_rows=1.0)
        cli("up")
        for _ in range(repeat):
            found = _ingest(cli)
            ours.append(found)
            peer = None
            if seven_zip is not None:
                seconds, size = _unpack(seven_zip, archive, cli.project.parent / "unpacked")
                assert size == found["bytes"], f"7z unpacks {size} bytes, the task uploads {found['bytes']}"
                peer = size / seconds / 1e6
            speeds.append((found["bytes"] / found["seconds"] / 1e6, peer))
    speed, peer_speed = medians(speeds)
    peak = max(ours, key=lambda each: each["mebibytes"])
    return [
        Result(
            name="ingest",
            what=f"{peak['bytes'] / 1e9:.2f} GB of XML downloaded, unpacked, checked and uploaded",
            unit="MB/s",
            ours=speed,
            peer=peer_speed,
            peer_name=f"7z x {' '.join(MEMBERS)}",
            goal=0.8,
            higher_is_better=True,
            note="" if seven_zip else "SKIPPED the peer: there is no 7z (apt install p7zip-full)",
            samples=tuple(speeds),
        ),
        Result(
            name="ingest, memory",
            what="peak RSS of that task beyond Airflow's own",
            unit="MiB",
            ours=peak["mebibytes"],
            goal=150,
            goal_is_absolute=True,
            note=f"Airflow's own is {peak['airflow_mebibytes']:.0f} MiB; the largest of all rounds",
            samples=tuple((each["mebibytes"], None) for each in ours),
        ),
    ]
