"""ROUTES: every endpoint of the workspace; adding one is a function in handlers/ and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.databricks_stub.context import Call
from sandbox.databricks_stub.handlers import (
    clusters,
    identity,
    jobs,
    outputs,
    repos,
    runs,
    statements,
    unity,
    workspace,
)
from sandbox.databricks_stub.schemas import Json

Handler = Callable[[Call], Json]

ANY = ("2.0", "2.1", "2.2")
"""The Airflow provider moves between these (7.8.2 wrongly used 2.2 outside of jobs), so all are taken everywhere."""

DOCS = "Documented: https://docs.databricks.com/api/workspace"
SQL = f"{DOCS}/statementexecution"


@dataclass(frozen=True, kw_only=True)
class Route:
    """One endpoint: `/api/<version><path>` for each of `api_versions`, or just `path` when there are none."""

    method: str
    path: str
    api_versions: tuple[str, ...]
    handler: Handler
    provenance: str
    public: bool = False


def _route(method: str, path: str, handler: Handler, provenance: str, versions: tuple[str, ...] = ANY) -> Route:
    return Route(method=method, path=path, api_versions=versions, handler=handler, provenance=provenance)


def _open(method: str, path: str, handler: Handler, provenance: str) -> Route:
    return Route(method=method, path=path, api_versions=(), handler=handler, provenance=provenance, public=True)


# fmt: off
ROUTES: tuple[Route, ...] = (
    _route("POST", "/jobs/create", jobs.create, f"{DOCS}/jobs/create"),
    _route("GET", "/jobs/get", jobs.get, f"{DOCS}/jobs/get"),
    _route("GET", "/jobs/list", jobs.list_jobs, f"{DOCS}/jobs/list"),
    _route("POST", "/jobs/update", jobs.update, f"{DOCS}/jobs/update"),
    _route("POST", "/jobs/reset", jobs.reset, f"{DOCS}/jobs/reset"),
    _route("POST", "/jobs/delete", jobs.delete, f"{DOCS}/jobs/delete"),
    _route("POST", "/jobs/run-now", runs.run_now, f"{DOCS}/jobs/runnow"),
    _route("POST", "/jobs/runs/submit", runs.submit, f"{DOCS}/jobs/submit"),
    _route("GET", "/jobs/runs/get", runs.get, f"{DOCS}/jobs/getrun"),
    _route("GET", "/jobs/runs/list", runs.list_runs, f"{DOCS}/jobs/listruns"),
    _route("GET", "/jobs/runs/get-output", outputs.get_output, f"{DOCS}/jobs/getrunoutput"),
    _route("GET", "/jobs/runs/export", outputs.export, f"{DOCS}/jobs/exportrun"),
    _route("POST", "/jobs/runs/cancel", runs.cancel, f"{DOCS}/jobs/cancelrun"),
    _route("POST", "/jobs/runs/cancel-all", runs.cancel_all, f"{DOCS}/jobs/cancelallruns"),
    _route("POST", "/jobs/runs/delete", runs.delete, f"{DOCS}/jobs/deleterun"),
    _route("POST", "/jobs/runs/repair", runs.repair, f"{DOCS}/jobs/repairrun"),
    _route("PATCH", "/permissions/jobs/{job_id:int}", jobs.update_permissions, "Assumed: one user, nothing to permit"),
    _route("GET", "/clusters/spark-versions", clusters.spark_versions, f"{DOCS}/clusters/sparkversions"),
    _route("GET", "/clusters/list", clusters.list_clusters, f"{DOCS}/clusters/list"),
    _route("GET", "/clusters/get", clusters.get, f"{DOCS}/clusters/get"),
    _route("POST", "/clusters/start", clusters.keep_running, "Assumed: the one cluster always runs"),
    _route("POST", "/clusters/restart", clusters.keep_running, "Assumed: the one cluster always runs"),
    _route("POST", "/clusters/delete", clusters.keep_running, "Assumed: the one cluster always runs"),
    _route("POST", "/sql/statements", statements.execute, f"{SQL}/executestatement"),
    _route("GET", "/sql/statements/{statement_id}", statements.get, f"{SQL}/getstatement"),
    _route("GET", "/sql/statements/{statement_id}/result/chunks/{chunk_index}", statements.chunk, f"{SQL}/getstatementresultchunkn"),  # noqa: E501 - one line is one endpoint
    _route("POST", "/sql/statements/{statement_id}/cancel", statements.cancel, f"{SQL}/cancelexecution"),
    _route("GET", "/sql/warehouses", statements.warehouses, f"{DOCS}/warehouses/list"),
    _route("GET", "/sql/endpoints", statements.warehouses, "Documented: the older name of sql/warehouses"),
    _route("GET", "/sql/warehouses/{warehouse_id}", statements.warehouse, f"{DOCS}/warehouses/get"),
    _route("POST", "/sql/warehouses/{warehouse_id}/start", statements.start_warehouse, "Assumed: it always runs"),
    _route("POST", "/sql/warehouses/{warehouse_id}/stop", statements.start_warehouse, "Assumed: it always runs"),
    _route("GET", "/workspace/get-status", workspace.get_status, f"{DOCS}/workspace/getstatus"),
    _route("GET", "/workspace/list", workspace.list_objects, f"{DOCS}/workspace/list"),
    _route("GET", "/workspace/export", workspace.export_object, f"{DOCS}/workspace/export"),
    _route("POST", "/workspace/import", workspace.import_object, f"{DOCS}/workspace/import"),
    _route("POST", "/workspace/mkdirs", workspace.mkdirs, f"{DOCS}/workspace/mkdirs"),
    _route("POST", "/workspace/delete", workspace.delete, f"{DOCS}/workspace/delete"),
    _route("POST", "/repos", repos.create, f"{DOCS}/repos/create"),
    _route("GET", "/repos", repos.list_repos, f"{DOCS}/repos/list"),
    _route("GET", "/repos/{repo_id:int}", repos.get, f"{DOCS}/repos/get"),
    _route("PATCH", "/repos/{repo_id:int}", repos.update, f"{DOCS}/repos/update"),
    _route("DELETE", "/repos/{repo_id:int}", repos.delete, f"{DOCS}/repos/delete"),
    _route("GET", "/unity-catalog/catalogs", unity.catalogs, f"{DOCS}/catalogs/list"),
    _route("GET", "/unity-catalog/catalogs/{name}", unity.catalog, f"{DOCS}/catalogs/get"),
    _route("GET", "/unity-catalog/schemas", unity.schemas, f"{DOCS}/schemas/list"),
    _route("GET", "/unity-catalog/schemas/{name}", unity.schema, f"{DOCS}/schemas/get"),
    _route("GET", "/unity-catalog/tables", unity.tables, f"{DOCS}/tables/list"),
    _route("GET", "/unity-catalog/tables/{name}", unity.table, f"{DOCS}/tables/get"),
    _route("GET", "/unity-catalog/volumes", unity.volumes, f"{DOCS}/volumes/list"),
    _route("GET", "/unity-catalog/volumes/{name}", unity.volume, f"{DOCS}/volumes/read"),
    _route("GET", "/preview/scim/v2/Me", identity.me, f"{DOCS}/currentuser/me"),
    _open("POST", "/telemetry-ext", identity.telemetry, "Assumed: the CLI only looks at the status"),
    _open("GET", "/.well-known/databricks-config", identity.well_known, "Measured by reading the SDK for Go"),
    _open("GET", "/health", identity.health, "ours: not of Databricks"),
)
# fmt: on
