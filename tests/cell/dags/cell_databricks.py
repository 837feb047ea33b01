"""The databricks provider's operators and sensors against the workspace, waiting and deferrable, a task for each.

Those that newer versions of the provider have brought are there where the installed one has them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.databricks.hooks.databricks import DatabricksHook
from airflow.providers.databricks.operators import databricks as operators
from airflow.providers.databricks.operators.databricks_workflow import DatabricksWorkflowTaskGroup
from airflow.providers.databricks.sensors.databricks import DatabricksSQLStatementsSensor
from airflow.sdk import dag, task

try:
    from airflow.providers.databricks.operators import warehouse
except ImportError:  # before 7.23
    warehouse = None

CONNECTION = "databricks_conn"
CONNECTED: dict[str, Any] = {"databricks_conn_id": CONNECTION}
COMMON: dict[str, Any] = {**CONNECTED, "polling_period_seconds": 1}
NOTEBOOK = {"notebook_path": "/Shared/cell/echo"}
JOB = "cell contract"
CLUSTER = {"spark_version": "15.4.x-scala2.12", "node_type_id": "m6gd.large", "num_workers": 1}
STATEMENT: dict[str, Any] = {"statement": "SELECT 1 AS one", "warehouse_id": "any", "catalog": None, "schema": None}
WAYS = {"waiting": False, "deferrable": True}


@task
def ask_the_hook(job_id: Any) -> dict[str, Any]:
    """What the hook says of the connection and of the job."""
    hook = DatabricksHook(CONNECTION)
    return {
        "connected": hook.test_connection()[0],
        "by_name": hook.find_job_id_by_name(JOB) == int(job_id),
        "listed": JOB in [job["settings"]["name"] for job in hook.list_jobs()],
        "unknown": hook.find_job_id_by_name("no such job") is None,
    }


def jobs() -> None:
    """A job that is created and run; runs that are submitted."""
    created = operators.DatabricksCreateJobsOperator(
        task_id="create_job",
        name=JOB,
        tasks=[{"task_key": "echo", "notebook_task": NOTEBOOK, "new_cluster": CLUSTER}],
        **CONNECTED,
    )
    # a second time: the job of that name is changed, not made again; three runs of it may be at work at once below
    again = operators.DatabricksCreateJobsOperator(
        task_id="change_job",
        json={"name": JOB, "max_concurrent_runs": 3, "tasks": [{"task_key": "echo", "notebook_task": NOTEBOOK}]},
        **CONNECTED,
    )
    created >> again >> ask_the_hook(created.output)
    for way, deferrable in WAYS.items():
        again >> operators.DatabricksRunNowOperator(
            task_id=f"run_now_by_name_{way}",
            job_name=JOB,
            notebook_params={"word": "now"},
            deferrable=deferrable,
            **COMMON,
        )
        operators.DatabricksSubmitRunOperator(
            task_id=f"submit_{way}",
            tasks=[
                {"task_key": "first", "notebook_task": NOTEBOOK, "new_cluster": CLUSTER},
                {"task_key": "second", "notebook_task": NOTEBOOK, "depends_on": [{"task_key": "first"}]},
            ],
            deferrable=deferrable,
            **COMMON,
        )
    again >> operators.DatabricksRunNowOperator(
        task_id="run_now_by_id", job_id="{{ ti.xcom_pull('create_job') }}", wait_for_termination=False, **COMMON
    )
    operators.DatabricksSubmitRunOperator(
        task_id="submit_one_notebook", notebook_task=NOTEBOOK, new_cluster=CLUSTER, run_name="one", **COMMON
    )


def tasks() -> None:
    """Notebooks and tasks as Airflow tasks of their own, and as a workflow that is one job_run."""
    for way, deferrable in WAYS.items():
        operators.DatabricksNotebookOperator(
            task_id=f"notebook_{way}",
            source="WORKSPACE",
            new_cluster=CLUSTER,
            deferrable=deferrable,
            **NOTEBOOK,
            **COMMON,
        )
        operators.DatabricksTaskOperator(
            task_id=f"task_{way}",
            task_config={"notebook_task": {**NOTEBOOK, "source": "WORKSPACE"}},
            existing_cluster_id="any",
            deferrable=deferrable,
            **COMMON,
        )
    with DatabricksWorkflowTaskGroup(
        group_id="workflow",
        databricks_conn_id=CONNECTION,
        job_clusters=[{"job_cluster_key": "small", "new_cluster": CLUSTER}],
        notebook_params={"word": "together"},
    ):
        first, second = (
            operators.DatabricksNotebookOperator(
                task_id=name, source="WORKSPACE", job_cluster_key="small", **NOTEBOOK, **COMMON
            )
            for name in ("first", "second")
        )
        first >> second


def statements() -> None:
    """SQL statements, executed and waited for; a warehouse, started and stopped."""
    for way, deferrable in WAYS.items():
        operators.DatabricksSQLStatementsOperator(
            task_id=f"statement_{way}", deferrable=deferrable, **STATEMENT, **COMMON
        )
        DatabricksSQLStatementsSensor(task_id=f"statement_sensor_{way}", deferrable=deferrable, **STATEMENT, **COMMON)
        if warehouse is not None:
            warehouse.DatabricksStartWarehouseOperator(
                task_id=f"start_warehouse_{way}", warehouse_id="any", deferrable=deferrable, **COMMON
            )
    if warehouse is not None:
        # the sandbox's warehouse always runs, so nobody can wait for its end
        warehouse.DatabricksStopWarehouseOperator(
            task_id="stop_warehouse", warehouse_id="any", wait_for_termination=False, **COMMON
        )


# Retries, because Airflow's scheduler fails a deferred task whose trigger fires before it has noticed that the task was
# deferred; a busy machine is enough for that.
RETRIES = {"retries": 2, "retry_delay": timedelta(seconds=1)}


@dag(schedule=None, catchup=False, default_args={"owner": "cell", **RETRIES}, tags=["cell"])
def cell_databricks() -> None:
    """Everything at once."""
    jobs()
    tasks()
    statements()


cell_databricks()
