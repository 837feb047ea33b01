"""One DAG file through Airflow's own DagBag, as plain values; what differs between Airflow's versions is here."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from typing import Any

from sandbox.airflow_launcher.dag_facts import operator_facts, schedule_assets

PLACE = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)')


def dag_files(dags: Path) -> list[str]:
    """The files that the dag-processor would parse, sorted; .airflowignore counts."""
    try:
        from airflow.utils.file import list_py_file_paths
    except ImportError:  # moved in Airflow 3.2
        from airflow.dag_processing.dagbag import list_py_file_paths
    return sorted(str(file) for file in list_py_file_paths(str(dags)))


def _new_bag() -> Any:
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:  # before Airflow 3.2
        from airflow.models.dagbag import DagBag
    keywords: dict[str, Any] = {"dag_folder": os.devnull}
    if "include_examples" in DagBag.__init__.__code__.co_varnames:  # removed in 3.3
        keywords["include_examples"] = False
    return DagBag(**keywords)


def import_file(file: str, dags: Path) -> dict[str, Any]:
    """{"dags", "import_errors", "warnings"} of one file."""
    bag = _new_bag()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        bag.process_file(file, only_if_updated=False)
    return {
        "dags": [_dag(dag) for _, dag in sorted(bag.dags.items())],
        "import_errors": [_error(path, text, dags) for path, text in sorted(bag.import_errors.items())],
        "warnings": [
            {"file": f"{item.filename}:{item.lineno}", "message": str(item.message)}
            for item in caught
            if Path(item.filename).is_relative_to(dags)
        ],
    }


def _error(path: str, text: str, dags: Path) -> dict[str, Any]:
    """The innermost place under the DAG folder that the traceback names, and its last line as the message."""
    places = [
        (match["file"], int(match["line"]))
        for match in PLACE.finditer(text)
        if Path(match["file"]).is_relative_to(dags)
    ]
    file, line = places[-1] if places else (path, None)
    lines = text.strip().splitlines()
    return {"file": file, "line": line, "message": lines[-1] if lines else text, "traceback": text}


def _dag(dag: Any) -> dict[str, Any]:
    operators = [operator_facts(task) for _, task in sorted(dag.task_dict.items())]
    return {
        "dag_id": dag.dag_id,
        "file": dag.fileloc,
        "schedule": _schedule(dag.timetable),
        "schedule_assets": schedule_assets(dag.timetable),
        "tasks": sorted(dag.task_ids),
        "outlets": sorted({outlet["uri"] for operator in operators for outlet in operator["outlets"] if outlet["uri"]}),
        "connections": sorted({name for operator in operators for name in operator["connections"].values()}),
        "operators": operators,
    }


def _schedule(timetable: Any) -> str:
    """The schedule in a few words: the assets' names, the cron expression, or the kind of timetable."""
    if assets := [asset["name"] or asset["uri"] for asset in schedule_assets(timetable)]:
        return f"assets {', '.join(assets)}"
    kind = type(timetable).__name__.removesuffix("Timetable")
    # the newer releases' timetables say less of themselves
    return str(
        getattr(timetable, "summary", None)
        or getattr(timetable, "expression", None)
        or {"Null": "None", "Once": "@once", "Continuous": "@continuous"}.get(kind, kind)
    )
