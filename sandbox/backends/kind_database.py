"""The metadata database of a release: dump it to S3, list the dumps, restore one. The chart's CronJobs do the work."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox import health
from sandbox.backends import kind_wait
from sandbox.backends.kind_release import RELEASE
from sandbox.backends.kind_tools import Tools
from sandbox.errors import NothingSelected, SandboxError, ServiceNotHealthy
from sandbox.progress import Progress

BACKUP, RESTORE = "database-backup", "database-restore"
"""The chart's CronJobs; the second one is never due."""
JOB_SECONDS = 3600.0
READY_SECONDS = 600.0
COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
NOT_ENABLED = "helm get values sandbox --all    (backup.enabled of the chart is false)"


@dataclass(frozen=True, kw_only=True)
class Dump:
    """A dump in the bucket."""

    address: str
    size_bytes: int


def backup(tools: Tools, progress: Progress) -> Dump:
    """Dump the database into the bucket now."""
    with progress.step("backup") as step:
        said = _run(tools, BACKUP)
        found = re.search(r"stored (s3://\S+), (\d+) bytes", said)
        if found is None:
            raise SandboxError("the backup did not say what it stored", why=said[-500:])
        step.done(found[1])
    return Dump(address=found[1], size_bytes=int(found[2]))


def dumps(tools: Tools) -> list[str]:
    """The keys of the dumps in the bucket, oldest first."""

    def only_list(pod: dict[str, Any]) -> None:
        pod["containers"][0]["args"][-1] = "list"
        pod.pop("initContainers", None)

    return [line for line in _run(tools, BACKUP, change=only_list).splitlines() if line.endswith(".dump")]


def restore(tools: Tools, chart: Path, key: str, progress: Progress) -> str:
    """Put a dump (empty: the newest) back in place of the database, while nothing of Airflow runs; returns its address.

    It is one transaction: a restore that fails changes nothing, and Airflow is started again in either case.
    """

    def of_key(pod: dict[str, Any]) -> None:
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            for variable in container.get("env", ()):
                if variable["name"] == "BACKUP_KEY":
                    variable["value"] = key

    job = _job(tools, RESTORE)  # no such CronJob: said before anything is stopped
    components = [f"{RELEASE}-{name}" for name in COMPONENTS]
    running = {
        item["metadata"]["name"]: (item["kind"].lower(), item["spec"]["replicas"])
        for item in tools.get("deployments,statefulsets")
        if item["metadata"]["name"] in components
    }
    try:
        with progress.step("stop airflow") as step:
            for name, (kind, _) in running.items():
                tools.kubectl("scale", f"{kind}/{name}", "--replicas=0")
            selector = f"component in ({','.join(COMPONENTS)})"
            tools.kubectl("wait", "--for=delete", "pod", "--selector", selector, "--timeout=300s")
            step.done("nothing writes")
        with progress.step("restore") as step:
            said = _run(tools, RESTORE, job=job, change=of_key, log_of="bucket")
            found = re.search(r"restoring (s3://\S+),", said)
            step.done(found[1] if found else "done")
    finally:
        for name, (kind, replicas) in running.items():
            tools.kubectl("scale", f"{kind}/{name}", f"--replicas={replicas}")
    # an older dump needs the migrations since; the setup Job makes them
    values = ("--reuse-values", "--set-string", f"setup.rerun={datetime.now(UTC):%Y%m%dT%H%M%S}")
    tools.run("helm", "upgrade", RELEASE, str(chart), "--namespace", tools.namespace, *values)
    kind_wait.until_ready(tools, timeout_seconds=READY_SECONDS, progress=progress)
    return found[1] if found else key


def _job(tools: Tools, cronjob: str) -> dict[str, Any]:
    name = f"{cronjob}-{secrets.token_hex(3)}"
    arguments = ("create", "job", name, f"--from=cronjob/{cronjob}", "--dry-run=client", "--output=json")
    try:
        job: dict[str, Any] = json.loads(tools.kubectl(*arguments))
    except SandboxError as error:
        if "not found" not in error.why.lower():
            raise
        raise NothingSelected(
            "this release backs no database up", why=error.why.splitlines()[-1], next_command=NOT_ENABLED
        ) from None
    return job


def _run(
    tools: Tools,
    cronjob: str,
    *,
    job: dict[str, Any] | None = None,
    change: Callable[[dict[str, Any]], None] | None = None,
    log_of: str = "bucket",
) -> str:
    """Run a CronJob's Job now, to its end; returns what the container `log_of` said."""
    job = job or _job(tools, cronjob)
    if change:
        change(job["spec"]["template"]["spec"])
    name = job["metadata"]["name"]
    # one that nobody looks at is not kept
    job["spec"]["ttlSecondsAfterFinished"] = 3600
    tools.apply([job])
    failed = ""

    def complaint() -> str:
        nonlocal failed
        status = json.loads(tools.kubectl("get", "job", name, "--output=json"))["status"]
        ended = {each["type"] for each in status.get("conditions", ()) if each["status"] == "True"}
        failed = "failed" if "Failed" in ended else ""
        return "" if ended & {"Complete", "Failed"} else f"job {name} runs"

    try:
        health.wait_until(complaint, timeout_seconds=JOB_SECONDS, interval_seconds=0.5)
    except health.StillWaiting as error:
        failed = str(error)
    if failed:
        log = tools.kubectl("logs", "--selector", f"job-name={name}", "--all-containers", "--tail=20", check=False)
        raise ServiceNotHealthy(
            f"the job {name} did not end well",
            why=log.strip() or failed,
            next_command=tools.hint(f"describe job {name}"),
        )
    return tools.kubectl("logs", f"job/{name}", "--container", log_of)
