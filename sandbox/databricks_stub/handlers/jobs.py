"""Jobs: create, get, list, update, reset, delete."""

from __future__ import annotations

from sandbox.databricks_stub.context import Call
from sandbox.databricks_stub.errors import invalid_parameter
from sandbox.databricks_stub.jobspec import TASK_KINDS
from sandbox.databricks_stub.schemas import Json, job_json

LIST_DEFAULT, LIST_MOST = 20, 100


def queue_by_default(version: str) -> bool:
    """Whether a job without a `queue` queues its job_runs."""
    # Documented: https://docs.databricks.com/reference/jobs-api-2-2-updates - queueing is on by default since API 2.2.
    return version not in {"2.0", "2.1"}


def create(call: Call) -> Json:
    """A new job."""
    settings = dict(call.values)
    if not settings.get("tasks") and not any(kind in settings for kind in TASK_KINDS):
        # Assumed: a job without tasks is accepted, as the web page of Databricks makes one first and fills it later.
        settings["tasks"] = []
    return {"job_id": call.services.catalog.create(settings, queue_by_default=queue_by_default(call.version))}


def get(call: Call) -> Json:
    """One job with its tasks, a hundred at a time."""
    offset, _ = call.page(default=LIST_DEFAULT, most=LIST_MOST)
    return job_json(call.services.catalog.get(call.required_integer("job_id")), tasks_from=offset)


def list_jobs(call: Call) -> Json:
    """Jobs, newest first; `name` selects by the exact name in any case."""
    offset, limit = call.page(default=LIST_DEFAULT, most=LIST_MOST)
    name = call.text("name").lower()
    jobs = [job for job in call.services.catalog.all() if not name or str(job.settings.get("name", "")).lower() == name]
    page = jobs[offset : offset + limit]
    more = offset + limit < len(jobs)
    answer: Json = {"jobs": [job_json(job, with_tasks=call.flag("expand_tasks")) for job in page]} if page else {}
    if more:
        answer["next_page_token"] = str(offset + limit)
    if offset:
        answer["prev_page_token"] = str(max(0, offset - limit))
    # Documented: API 2.2 has no has_more; earlier ones always have it.
    return answer if queue_by_default(call.version) else answer | {"has_more": more}


def update(call: Call) -> Json:
    """Change some settings of a job."""
    remove = [str(path) for path in call.list("fields_to_remove")]
    call.services.catalog.update(call.required_integer("job_id"), call.mapping("new_settings"), remove)
    return {}


def reset(call: Call) -> Json:
    """Replace all settings of a job."""
    settings = call.mapping("new_settings")
    if not settings:
        raise invalid_parameter("new_settings is required")
    call.services.catalog.reset(call.required_integer("job_id"), settings)
    return {}


def delete(call: Call) -> Json:
    """Delete a job; its job_runs stay."""
    call.services.catalog.delete(call.required_integer("job_id"))
    return {}


def update_permissions(call: Call) -> Json:
    """Permissions of a job: accepted and forgotten, there is one user here."""
    job = call.services.catalog.get(int(call.path_values["job_id"]))
    return {"object_id": f"/jobs/{job.job_id}", "object_type": "job", "access_control_list": []}
