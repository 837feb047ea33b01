"""JobCatalog: every job of the workspace, from the bundle and from the API, as one list.

A job of the bundle can be changed or deleted through the API, as on Databricks; the change holds until the bundle's own
definition of that job changes, which stands for the next deployment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.databricks_stub.bundle import BundleJob, BundleWatcher, Snapshot
from sandbox.databricks_stub.errors import ApiError, invalid_parameter, no_such_job
from sandbox.databricks_stub.jobspec import JobSpecError, normalised, parse
from sandbox.databricks_stub.model import Job
from sandbox.databricks_stub.store.jobs import JobStore, StoredJob

# Documented: https://docs.databricks.com/api/workspace/jobs/update - arrays are merged by their key.
MERGED_BY_KEY = {"tasks": "task_key", "job_clusters": "job_cluster_key", "environments": "environment_key"}


@dataclass(frozen=True, kw_only=True)
class JobCatalog:
    """Reads and changes definitions of jobs."""

    store: JobStore
    watcher: BundleWatcher

    def all(self, *, despite_errors: bool = False) -> list[Job]:
        """Every job, newest first; a broken bundle is refused unless `despite_errors` (then: its last good jobs)."""
        snapshot = self.watcher.current()
        if snapshot.error and not despite_errors:
            raise _broken(snapshot)
        stored = {job.job_id: job for job in self.store.all()}
        jobs = [_from_bundle(job, stored.get(job.job_id), snapshot) for job in snapshot.jobs.values()]
        jobs += [_from_store(job) for job in stored.values() if job.bundle_digest is None and not job.deleted]
        return sorted(filter(None, jobs), key=lambda job: (-job.created_time, job.job_id))

    def get(self, job_id: int) -> Job:
        """The job of that id; refused when there is none, and when the bundle, which could have it, is broken."""
        found = self.find(job_id)
        if found is None:
            raise no_such_job(job_id)
        return found

    def find(self, job_id: int) -> Job | None:
        """The job of that id, None when there is none; refused when the bundle, which could have it, is broken."""
        snapshot = self.watcher.current()
        stored = self.store.find(job_id)
        if stored is not None and stored.bundle_digest is None and not stored.deleted:
            return _from_store(stored)
        if snapshot.error:
            raise _broken(snapshot)
        return _from_bundle(snapshot.jobs[job_id], stored, snapshot) if job_id in snapshot.jobs else None

    def create(self, settings: Mapping[str, Any], *, queue_by_default: bool) -> int:
        """Keep a new job; its id."""
        return self.store.create(checked(settings, queue_by_default=queue_by_default))

    def reset(self, job_id: int, settings: Mapping[str, Any]) -> None:
        """Replace all settings of a job."""
        self._put(self.get(job_id), settings)

    def update(self, job_id: int, changes: Mapping[str, Any], remove: list[str]) -> None:
        """Change and remove single settings of a job."""
        job = self.get(job_id)
        settings = {key: value for key, value in job.settings.items() if key not in remove}
        for path in remove:
            outer, _, inner = path.partition("/")
            if inner and outer in MERGED_BY_KEY:
                settings[outer] = [item for item in settings.get(outer, ()) if item.get(MERGED_BY_KEY[outer]) != inner]
        for key, value in changes.items():
            settings[key] = _merged(key, settings.get(key) or [], value) if key in MERGED_BY_KEY else value
        self._put(job, settings)

    def delete(self, job_id: int) -> None:
        """Forget a job; its job_runs stay."""
        job = self.get(job_id)
        self.store.delete(job_id, bundle_digest=self._digest(job.job_id))

    def _put(self, job: Job, settings: Mapping[str, Any]) -> None:
        kept = checked(settings, queue_by_default=parse(job.settings).queue_enabled)
        self.store.put(job.job_id, kept, bundle_digest=self._digest(job.job_id), created_time=job.created_time)

    def _digest(self, job_id: int) -> str | None:
        found = self.watcher.current().jobs.get(job_id)
        return None if found is None else found.digest


def checked(settings: Mapping[str, Any], *, queue_by_default: bool) -> dict[str, Any]:
    """The settings as they are kept; raises ApiError with every problem."""
    try:
        parse(settings, queue_by_default=queue_by_default)
    except JobSpecError as error:
        raise invalid_parameter(str(error)) from error
    return normalised(settings, queue_by_default=queue_by_default)


def _from_bundle(job: BundleJob, stored: StoredJob | None, snapshot: Snapshot) -> Job | None:
    settings = job.settings
    if stored is not None and stored.bundle_digest == job.digest:
        if stored.deleted:
            return None
        settings = stored.settings
    return Job(job_id=job.job_id, settings=settings, created_time=snapshot.changed_ms, source=job.source)


def _from_store(job: StoredJob) -> Job:
    return Job(job_id=job.job_id, settings=job.settings, created_time=job.created_time)


def _merged(key: str, old: list[Mapping[str, Any]], new: Any) -> list[Mapping[str, Any]]:
    if not isinstance(new, list) or not all(isinstance(item, Mapping) for item in new):
        raise invalid_parameter(f"new_settings.{key} must be a list of objects")
    identity = MERGED_BY_KEY[key]
    by_key = {item.get(identity): item for item in old}
    return list((by_key | {item.get(identity): item for item in new}).values())


def _broken(snapshot: Snapshot) -> ApiError:
    message = f"The bundle cannot be used: {snapshot.error}. Its jobs are back as soon as the file is right again."
    return ApiError(400, "INVALID_STATE", message)
