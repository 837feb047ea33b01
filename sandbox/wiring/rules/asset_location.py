"""Assets in S3 lie in buckets that there are, and where the notebooks of the job that they start look."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from sandbox.wiring.facts import Facts
from sandbox.wiring.findings import Finding, close_to, listed
from sandbox.wiring.rules.base import Rule

SCHEMES = ("s3", "s3a", "s3n")


def _check(facts: Facts) -> Iterator[Finding]:
    locations = {name.lower(): location for name, location in facts.settings.volumes.items()}
    buckets = {*facts.settings.buckets, *(urlsplit(location).netloc for location in locations.values())}
    seen: set[str] = set()
    for dag in facts.dags:
        outlets = [outlet for task in dag["operators"] for outlet in task["outlets"]]
        for asset in (*outlets, *dag["schedule_assets"]):
            uri = asset["uri"] or ""
            bucket = urlsplit(uri).netloc if _is_s3(uri) else ""
            if bucket and bucket not in buckets and uri not in seen:
                seen.add(uri)
                meant = close_to(bucket, buckets)
                place = facts.sources.assets.get(uri) or facts.sources.dag_place(dag["file"], dag["dag_id"])
                yield RULE.warning(
                    place,
                    uri,
                    f"the asset {uri} lies in the bucket {bucket!r}, which the sandbox does not have",
                    f"did you mean {meant!r}?" if meant else f"add it to s3.buckets, which has {listed(buckets)}",
                )
    yield from _read_elsewhere(facts, locations)


def _read_elsewhere(facts: Facts, locations: dict[str, str]) -> Iterator[Finding]:
    by_dag = {dag["dag_id"]: dag for dag in facts.dags}
    for operator, job in facts.runs_of_jobs:
        volumes = {name.lower() for called in facts.notebooks_of(job) for name in called.facts.volumes}
        if not volumes or not volumes <= locations.keys():
            continue
        folders = {locations[name].rstrip("/") + "/" for name in volumes}
        for asset in by_dag[operator.dag_id]["schedule_assets"]:
            uri = asset["uri"] or ""
            if _is_s3(uri) and not any(_plain(f"{uri}/").startswith(_plain(folder)) for folder in folders):
                yield RULE.warning(
                    facts.sources.dag_place(operator.file, operator.dag_id),
                    uri,
                    f"DAG {operator.dag_id} waits for {uri} and then runs the job {job.name!r}, whose notebooks read "
                    f"{listed(volumes)}: {listed(folders)}",
                    "correct the asset's address, or the volume's location in databricks.volumes",
                )


def _is_s3(uri: str) -> bool:
    return urlsplit(uri).scheme in SCHEMES


def _plain(uri: str) -> str:
    return uri.partition("://")[2]


RULE = Rule(id="asset-location", title="assets in S3 lie in known buckets, where the notebooks look", check=_check)
