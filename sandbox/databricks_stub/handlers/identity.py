"""Who one is, where one is, and whether the workspace is well."""

from __future__ import annotations

from sandbox.databricks_stub.context import Call
from sandbox.databricks_stub.references import WORKSPACE_ID
from sandbox.databricks_stub.schemas import Json
from sandbox.databricks_stub.user import USER


def me(call: Call) -> Json:
    """The one user."""
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "1",
        "userName": USER,
        "displayName": "Sandbox",
        "active": True,
        "emails": [{"type": "work", "value": USER, "primary": True}],
        "groups": [{"display": "admins", "type": "direct", "value": "1"}],
    }


def well_known(call: Call) -> Json:
    """What the SDKs ask before anything else."""
    return {
        "oidc_endpoint": f"{call.services.settings.url}/oidc",
        "account_id": "00000000-0000-0000-0000-000000000000",
        "workspace_id": WORKSPACE_ID,
    }


def telemetry(call: Call) -> Json:
    """What the CLI reports about itself: accepted and forgotten."""
    return {"errors": [], "numProtoSuccess": len(call.list("protoLogs"))}


def health(call: Call) -> Json:
    """Healthy when it answers; the details say what else one may want to know."""
    services = call.services
    snapshot = services.watcher.current()
    return {
        "status": "healthy",
        "engine": {"name": services.settings.engine.name, "remote": services.settings.engine.remote},
        "bundle": {
            "jobs": sorted(job.key for job in snapshot.jobs.values()),
            "error": snapshot.error,
        },
        "job_runs": {"active": len(services.workspace.runs.active())},
    }
