"""Clusters as far as clients probe them: there is one, it always runs, and tasks need none."""

from __future__ import annotations

from sandbox.databricks_stub.context import Call
from sandbox.databricks_stub.schemas import Json
from sandbox.databricks_stub.user import USER

CLUSTER_ID = "0000-000000-sandbox0"
SPARK_VERSION = "17.3.x-scala2.13"
# Assumed: which runtimes a workspace offers changes monthly; clients only look whether the list is there.
SPARK_VERSIONS = (
    (SPARK_VERSION, "17.3 LTS (includes Apache Spark 4.0.0, Scala 2.13)"),
    ("16.4.x-scala2.12", "16.4 LTS (includes Apache Spark 3.5.2, Scala 2.12)"),
    ("15.4.x-scala2.12", "15.4 LTS (includes Apache Spark 3.5.0, Scala 2.12)"),
)


def spark_versions(call: Call) -> Json:
    """The runtimes on offer; the Airflow provider's test_connection calls this."""
    return {"versions": [{"key": key, "name": name} for key, name in SPARK_VERSIONS]}


def list_clusters(call: Call) -> Json:
    """The one cluster."""
    return {"clusters": [_cluster(call, CLUSTER_ID)]}


def get(call: Call) -> Json:
    """The one cluster; every id names it, as production's ids differ from team to team."""
    return _cluster(call, call.required_text("cluster_id"))


def keep_running(call: Call) -> Json:
    """Start, restart and delete: accepted, the cluster always runs."""
    call.required_text("cluster_id")
    return {}


def _cluster(call: Call, cluster_id: str) -> Json:
    return {
        "cluster_id": cluster_id,
        "cluster_name": "sandbox",
        "state": "RUNNING",
        "state_message": "",
        "spark_version": SPARK_VERSION,
        "creator_user_name": USER,
        "driver_node_type_id": "sandbox",
        "node_type_id": "sandbox",
        "num_workers": 0,
        "data_security_mode": "SINGLE_USER",
        "spark_conf": {"spark.databricks.sandbox.engine": call.services.settings.engine.name},
    }
