"""Each DAG file of a folder, imported by this Airflow: what it does meanwhile, how long that takes, its tasks.

`dag_facts.py FOLDER`, run by Airflow's own interpreter; prints JSON.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")

# what every DAG file needs anyway is not the DAG file's own time
import airflow.providers.amazon.aws.hooks.s3  # noqa: E402
import airflow.providers.databricks.operators.databricks  # noqa: E402
import airflow.sdk  # noqa: E402
import airflow.timetables.trigger  # noqa: E402

try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:  # before Airflow 3.2
    from airflow.models.dagbag import DagBag

EFFECTS = {
    "socket.connect",
    "socket.getaddrinfo",
    "subprocess.Popen",
    "os.system",
    "os.posix_spawn",
    "os.fork",
    "sqlite3.connect",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "shutil.rmtree",
}
WRITING = ("w", "a", "x", "+")


class Watch:
    """Notes what the code does beyond reading modules, while it is on."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event in EFFECTS:
            self.seen.append(f"{event} {arguments[:2]!r}")
        elif event == "open" and isinstance(arguments[1], str) and any(mark in arguments[1] for mark in WRITING):
            self.seen.append(f"open {arguments[0]} {arguments[1]}")

    @contextmanager
    def watching(self) -> Iterator[list[str]]:
        """Note what happens in the block."""
        self.seen = []
        self.on = True
        try:
            yield self.seen
        finally:
            self.on = False


WATCH = Watch()


def note_lookups() -> None:
    """Variables and connections that are read while a file is imported ask the database each time it is parsed."""
    for kind in (airflow.sdk.Variable, airflow.sdk.Connection):
        before = kind.get

        def get(name: str, *arguments: Any, _kind: Any = kind, _before: Any = before, **words: Any) -> Any:
            if WATCH.on:
                WATCH.seen.append(f"{_kind.__name__}.get {name}")
            return _before(name, *arguments, **words)

        kind.get = staticmethod(get)


def described(task: Any) -> dict[str, Any]:
    """What is asked of every task."""
    return {
        "owner": task.owner,
        "retries": task.retries,
        "retry_delay_seconds": task.retry_delay.total_seconds(),
        "backoff": bool(task.retry_exponential_backoff),
        "timeout_seconds": task.execution_timeout and task.execution_timeout.total_seconds(),
        "downstream": sorted(task.downstream_task_ids),
    }


def main() -> None:
    """One JSON object behind FACTS."""
    folder = Path(sys.argv[1])
    sys.addaudithook(WATCH)
    note_lookups()
    files = {}
    for file in sorted(folder.glob("*.py")):
        bag = DagBag(dag_folder="/dev/null")
        # of the processor: what other cells do meanwhile is not the file's own time
        begun = time.process_time()
        with WATCH.watching() as effects:
            bag.process_file(str(file), only_if_updated=False)
        seconds = time.process_time() - begun
        files[file.name] = {
            "seconds": seconds,
            "effects": effects,
            "import_errors": bag.import_errors,
            "dags": {
                dag_id: {
                    "tasks": {task.task_id: described(task) for task in dag.tasks},
                    "timeout_seconds": dag.dagrun_timeout and dag.dagrun_timeout.total_seconds(),
                    "max_active_runs": dag.max_active_runs,
                    "catchup": dag.catchup,
                    "tags": sorted(dag.tags),
                    "documented": bool(dag.doc_md),
                }
                for dag_id, dag in bag.dags.items()
            },
        }
    print("FACTS " + json.dumps(files))


if __name__ == "__main__":
    main()
