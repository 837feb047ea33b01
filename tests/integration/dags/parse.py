"""Parse the DAG folder with this interpreter's Airflow and print what it is: `parse.py FOLDER`."""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

warnings.simplefilter("ignore")

from airflow.timetables.base import TimeRestriction  # noqa: E402

try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:  # before Airflow 3.2
    from airflow.models.dagbag import DagBag

try:
    from airflow.serialization.serialized_objects import DagSerialization
except ImportError:
    from airflow.serialization.serialized_objects import SerializedDAG as DagSerialization


def described(dag: Any) -> dict[str, Any]:
    """What the scheduler sees of a DAG, after serialisation."""
    data = DagSerialization.to_dict(dag)
    stored = DagSerialization.from_dict(data)
    first = None
    if not dag.timetable.asset_condition:
        restriction = TimeRestriction(earliest=None, latest=None, catchup=False)
        info = stored.timetable.next_dagrun_info(last_automated_data_interval=None, restriction=restriction)
        first = info.run_after.isoformat()
    return {
        "tasks": {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks},
        "outlets": {task.task_id: [outlet.name for outlet in task.outlets] for task in dag.tasks if task.outlets},
        "retries": {task.task_id: task.retries for task in dag.tasks},
        "timeouts": {task.task_id: task.execution_timeout is not None for task in dag.tasks},
        "owners": sorted({task.owner for task in dag.tasks}),
        "assets": sorted(asset.uri for _, asset in stored.timetable.asset_condition.iter_assets()),
        "first_run": first,
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "start_date": dag.start_date and str(dag.start_date),
    }


def main() -> None:
    """One JSON object on the last line of standard output."""
    bag = DagBag(sys.argv[1])
    operator: Any = bag.dags["trigger_databricks_workflow_dag"].get_task("run_medallion")
    rendered = getattr(operator, "job_parameters", None) or operator.json["job_parameters"]
    print(
        json.dumps(
            {
                "import_errors": bag.import_errors,
                "dags": {dag_id: described(dag) for dag_id, dag in sorted(bag.dags.items())},
                "job_parameters": rendered,
                "polling": operator.polling_period_seconds,
                "deferrable": operator.deferrable,
                "templated": sorted(operator.template_fields),
            }
        )
    )


if __name__ == "__main__":
    main()
