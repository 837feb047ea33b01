"""Each DAG file of a folder, imported by this Airflow: what it does meanwhile, how long that takes, its tasks.

`dag_facts.py FOLDER`, run by Airflow's own interpreter; prints JSON. What counts as an effect is what Airflow's best
practices warn of: network, databases, processes, waiting, files written, and reading or listing outside of the DAG
folder. A configuration beside the DAG, from which a factory makes its DAGs, is none. What a library does in C without
telling Python is not seen.
"""

from __future__ import annotations

import json
import os
import sys
import sysconfig
import tempfile
import threading
import time
import warnings
import zoneinfo
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")

# what every DAG file needs anyway is not the DAG file's own time
import airflow.models  # noqa: E402
import airflow.providers.amazon.aws.hooks.s3  # noqa: E402
import airflow.providers.databricks.operators.databricks  # noqa: E402
import airflow.sdk  # noqa: E402
import airflow.timetables.trigger  # noqa: E402

try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:  # before Airflow 3.2
    from airflow.models.dagbag import DagBag

NETWORK, PROCESS, THREAD = "uses the network", "starts a process", "starts a thread"
DATABASE, WAIT, WRITE = "opens a database", "sleeps", "changes files"
READ, LIST, LOOKUP = "reads outside of the DAG folder", "lists files outside of the DAG folder", "asks Airflow"
_EVENTS = {
    NETWORK: "socket.bind socket.connect socket.getaddrinfo socket.gethostbyaddr socket.gethostbyname socket.sendmsg"
    " socket.sendto",
    PROCESS: "os.exec os.fork os.forkpty os.posix_spawn os.spawn os.system pty.spawn subprocess.Popen",
    DATABASE: "sqlite3.connect",
    WRITE: "os.chmod os.chown os.link os.mkdir os.remove os.rename os.rmdir os.symlink os.truncate os.utime"
    " shutil.chown shutil.copyfile shutil.copymode shutil.copystat shutil.copytree shutil.make_archive shutil.move"
    " shutil.rmtree shutil.unpack_archive tempfile.mkdtemp tempfile.mkstemp",
    LIST: "os.listdir os.scandir",
}
EFFECTS = {event: kind for kind, events in _EVENTS.items() for event in events.split()}
"""Audit events, https://docs.python.org/3/library/audit_events.html, and what they mean; `open` is looked at closer."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC
CODE = (".py", ".pyc", ".so")
LOOKUPS = ("get", "set", "delete", "keys", "get_connection_from_secrets", "get_variable_from_secrets")
OF_PYTHON = "<frozen importlib"
OF_AIRFLOW = ("airflow.configuration", "airflow.plugins_manager", "airflow.providers_manager", "airflow.settings")
"""Modules that look at files, and run the commands of `*_cmd` settings, when somebody first asks them for something."""
NEAR = [
    *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    *([sys.prefix] if sys.prefix != sys.base_prefix else []),
    *zoneinfo.TZPATH,
    # what the kernel says of the machine: libraries ask how many processors they may use
    "/proc",
    "/sys",
]
"""What may be read and listed beside the DAG folder, and what is on sys.path."""
# it tries the folder out by a file, once
tempfile.gettempdir()


class Watch:
    """Notes, while it is on, what the code in a folder does beyond computing, with the line that did it."""

    def __init__(self, folder: Path) -> None:
        self.on = False
        self.seen: dict[tuple[str, str], str] = {}
        self._ours = _forms(str(folder))

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """The audit hook."""
        if not self.on:
            return
        kind = EFFECTS.get(event)
        if event == "open":
            kind = self._opening(*arguments)
        elif kind == LIST and self._is_near(arguments[0] or "."):
            kind = None
        if kind is not None:
            self.note(kind, f"{event} {', '.join(map(repr, arguments))}")

    def note(self, kind: str, what: str) -> None:
        """Something was done; the first of its kind in a line is kept, if that line is the folder's."""
        place = self._place()
        if place is not None:
            self.seen.setdefault((place, kind), f"{place}: {kind}: {what[:200]}")

    def _opening(self, path: Any, mode: str | None, flags: int) -> str | None:
        if isinstance(path, int) or os.fspath(path) in (os.devnull, os.fsencode(os.devnull)):
            return None
        # os.open, and by it Path.touch, has flags and no mode
        if flags & WRITING or any(mark in (mode or "") for mark in "wax+"):
            return WRITE
        return None if self._is_near(path) or os.fsdecode(path).endswith(CODE) else READ

    def _is_near(self, path: Any) -> bool:
        """Whether a path is the folder's, or Python's own."""
        if isinstance(path, int):
            return True
        near = (*self._ours, *(form for root in (*NEAR, *sys.path) if root for form in _forms(root)))
        return any(form == root or form.startswith(f"{root}/") for form in _forms(os.fsdecode(path)) for root in near)

    def _place(self) -> str | None:
        """The innermost line of the folder's code; none when a library was at loading something in between."""
        frame: Any = sys._getframe(2)
        while frame is not None:
            name = frame.f_code.co_filename
            for root in self._ours:
                if name.startswith(f"{root}/"):
                    return f"{name.removeprefix(f'{root}/')}:{frame.f_lineno}"
            if name.startswith(OF_PYTHON) or frame.f_globals.get("__name__", "").startswith(OF_AIRFLOW):
                return None
            frame = frame.f_back
        return None

    @contextmanager
    def watching(self) -> Iterator[dict[tuple[str, str], str]]:
        """Note what happens in the block."""
        self.seen = {}
        self.on = True
        try:
            yield self.seen
        finally:
            self.on = False


def _forms(path: str) -> tuple[str, str]:
    """A path as it was named, and where its links lead."""
    # not Path.absolute, which keeps "..": folder/../elsewhere is not in the folder
    return os.path.abspath(path), os.path.realpath(path)  # noqa: PTH100


def note_calls(watch: Watch) -> None:
    """Note what raises no audit event: Variables and connections, which ask the database at each parsing; waiting."""
    for kind in (airflow.sdk.Variable, airflow.sdk.Connection, airflow.models.Variable, airflow.models.Connection):
        for name in LOOKUPS:
            if hasattr(kind, name):
                setattr(kind, name, staticmethod(_noted(watch, LOOKUP, f"{kind.__name__}.{name}", getattr(kind, name))))
    # Python raises events of these from 3.13 and 3.12 on
    time.sleep = _noted(watch, WAIT, "time.sleep", time.sleep)
    threading.Thread.start = _noted(watch, THREAD, "Thread.start", threading.Thread.start)  # type: ignore[method-assign]


def _noted(watch: Watch, kind: str, name: str, before: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **words: Any) -> Any:
        if watch.on:
            watch.note(kind, " ".join(map(str, (name, *arguments, *words.values()))))
        return before(*arguments, **words)

    return call


def own_seconds() -> float:
    """A clock that stands still while the processor is busy with others: what other cells do is not the file's time.

    Waiting and input count, unlike in the processor's time. Without Linux's statistics it is an ordinary clock.
    """
    try:
        waited = int(Path("/proc/thread-self/schedstat").read_text("utf-8").split()[1])
    except FileNotFoundError:
        waited = 0
    return time.monotonic() - waited / 1e9


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


def warm_up() -> None:
    """Make some DAG: what Airflow loads for the first one, from a cold disk perhaps, is not a file's own time."""
    with airflow.sdk.DAG("any", schedule=None):
        airflow.sdk.task(warm_up)()


def main() -> None:
    """One JSON object behind FACTS."""
    folder = Path(sys.argv[1])
    warm_up()
    watch = Watch(folder)
    sys.addaudithook(watch)
    note_calls(watch)
    files = {}
    # one for all: it refuses an id that another file has taken
    bag = DagBag(dag_folder="/dev/null")
    for file in sorted(folder.glob("*.py")):
        known = set(bag.import_errors)
        begun = own_seconds()
        with watch.watching() as effects:
            dags = bag.process_file(str(file), only_if_updated=False)
        seconds = own_seconds() - begun
        files[file.name] = {
            "seconds": seconds,
            "effects": list(effects.values()),
            "import_errors": {name: text for name, text in bag.import_errors.items() if name not in known},
            "dags": {
                dag.dag_id: {
                    "tasks": {task.task_id: described(task) for task in dag.tasks},
                    "timeout_seconds": dag.dagrun_timeout and dag.dagrun_timeout.total_seconds(),
                    "max_active_runs": dag.max_active_runs,
                    "catchup": dag.catchup,
                    "tags": sorted(dag.tags),
                    "documented": bool(dag.doc_md),
                }
                for dag in dags
            },
        }
    print("FACTS " + json.dumps(files))


if __name__ == "__main__":
    main()
