"""Runs a program of this folder in the Airflow runtime of the cell."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class AirflowPython:
    """The cell's Airflow, without its services: an interpreter, the DAG folder, a home of its own."""

    python: Path
    dags: Path
    home: Path

    def ask(self, program: str, mark: str, *arguments: object) -> Any:
        """Run a program; the JSON behind `mark` in its output."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
        environment = kept | {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home}/airflow.db",
            "PYTHONDONTWRITEBYTECODE": "1",
            # as the dag-processor does for the folder of a bundle
            "PYTHONPATH": str(self.dags),
        }
        done = subprocess.run(
            [self.python, Path(__file__).with_name(program), *map(str, arguments)],
            env=environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith(mark)]
        assert lines, f"{program} -> {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return json.loads(lines[-1].removeprefix(mark))
