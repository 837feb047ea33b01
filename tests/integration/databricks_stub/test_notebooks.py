"""Notebooks in real kernels: what they show, how they end, and what happens when something is killed. No Spark here."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import psutil
import pytest

from tests.integration.databricks_stub.conftest import ROOT, wait_until
from tests.integration.databricks_stub.notebook_runs import Bench, bench, magic, shown, source

SLEEP = "print('begun', flush=True)\nimport time\ntime.sleep(60)"


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A runner without a Spark engine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        with bench(tmp_path_factory.mktemp("notebooks"), engine="none") as made:
            yield made


def kernels(notebooks: Bench) -> list[psutil.Process]:
    """The processes below this one's warm process."""
    pid = notebooks.runner._zygote.pid
    return psutil.Process(pid).children(recursive=True) if pid else []


def test_both_formats_are_executed(notebooks: Bench) -> None:
    cells = [{"cell_type": "code", "source": ["x = 20\n", "x + 1"]}, {"cell_type": "code", "source": "print(x)"}]
    document = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    for name, text in (("a.ipynb", json.dumps(document)), ("a.py", source("x = 20\nx + 1", "print(x)"))):
        outcome = notebooks.run(text, name=name)
        assert outcome.succeeded, outcome
        assert (shown(outcome, 1), shown(outcome, 2)) == ("21", "20\n")
        nbformat.validate(nbformat.read(outcome.executed_notebook, as_version=4))  # type: ignore[no-untyped-call]


def test_exit_ends_the_notebook_with_its_value(notebooks: Bench) -> None:
    outcome = notebooks.run(source("dbutils.notebook.exit('done')", "raise ValueError"))
    assert outcome.succeeded
    assert outcome.exit_value == "done"


def test_a_failing_cell_is_named_with_file_line_and_traceback(notebooks: Bench) -> None:
    outcome = notebooks.run(source(magic("%md\n# Title"), "print('before')", "def f():\n    return 1 / 0\n\nf()", "1"))
    assert not outcome.succeeded
    assert outcome.error == "ZeroDivisionError: division by zero"
    assert outcome.failed_notebook_cell == 3
    assert outcome.error_trace is not None
    assert outcome.error_trace.startswith(f"{notebooks.folder}/notebook.py:11 (notebook_cell 3)\n")
    assert "return 1 / 0" in outcome.error_trace
    assert shown(outcome, 2) == "before\n"


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        (magic("%scala\nval x = 1"), "UnsupportedMagic: "),
        (magic("%nosuch x"), "UsageError: "),
        ("x = (", "SyntaxError: "),
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
        (magic("%sh -e\nfalse"), "CommandFailed: %sh ended with exit code 1"),
        (magic("%run ./none"), "FileNotFoundError: Notebook not found: ./none"),
        ("dbutils.widgets.get('none')", "WidgetNotDefined: "),
    ],
)
def test_what_cannot_be_executed_fails_the_notebook(notebooks: Bench, cell: str, says: str) -> None:
    outcome = notebooks.run(source(cell))
    assert not outcome.succeeded
    assert outcome.failed_notebook_cell == 1
    assert (outcome.error or "").startswith(says)


@pytest.mark.parametrize(("name", "text"), [("a.py", "print(1)"), ("a.ipynb", '{"cells": [{"cell_type": "code"}]}')])
def test_a_file_that_is_no_notebook_is_a_failed_outcome(notebooks: Bench, name: str, text: str) -> None:
    outcome = notebooks.run(text, name=name)
    assert not outcome.succeeded
    assert (outcome.error or "").startswith("NotANotebook: ")


def test_parameters_and_task_values_come_and_go(notebooks: Bench) -> None:
    text = source(
        "dbutils.widgets.text('day', 'default')\ndbutils.widgets.text('other', 'default')",
        "rows = dbutils.jobs.taskValues.get('before', 'rows')\ndbutils.jobs.taskValues.set('twice', rows * 2)",
        "dbutils.notebook.exit(dbutils.widgets.get('day') + dbutils.widgets.get('other'))",
    )
    outcome = notebooks.run(text, parameters={"day": "given"}, task_values={"before": {"rows": 4}})
    assert outcome.exit_value == "givendefault"
    assert outcome.task_values == {"twice": 8}


def test_included_notebooks_share_names_and_find_what_is_beside_them(notebooks: Bench) -> None:
    folder = notebooks.folder / "lib"
    folder.mkdir(exist_ok=True)
    (folder / "outer.py").write_text(source(magic("%run ./inner"), "both = inner + 1"))
    (folder / "inner.py").write_text(source("inner = int(dbutils.widgets.get('start'))"))
    outcome = notebooks.run(source(magic('%run ./lib/outer $start="41"'), "print(both)"))
    assert outcome.succeeded, outcome.error_trace
    assert shown(outcome, 2) == "42\n"


def test_another_notebook_runs_apart_and_returns_what_it_exits_with(notebooks: Bench) -> None:
    (notebooks.folder / "other.py").write_text(
        source("mine = 1\ndbutils.notebook.exit('got ' + dbutils.widgets.get('a'))")
    )
    outcome = notebooks.run(
        source("print(dbutils.notebook.run('./other', 60, {'a': 'b'}))", "print('mine' in globals())")
    )
    assert outcome.succeeded, outcome.error_trace
    assert shown(outcome, 1).endswith("got b\n")
    assert shown(outcome, 2) == "False\n"


def test_absolute_paths_are_those_of_the_workspace(notebooks: Bench) -> None:
    folder = notebooks.folder / "absolute"
    folder.mkdir(exist_ok=True)
    (folder / "name.py").write_text(source("name = 'included'\ndbutils.notebook.exit('ran')"))
    (folder / "names.py").write_text(source("name = 'included'"))
    outcome = notebooks.run(
        source(
            magic("%run /Workspace/Repos/me/repo/absolute/names"),
            "print(name, dbutils.notebook.run('/Users/me/absolute/name', 60))",
        )
    )
    assert outcome.succeeded, outcome.error_trace
    assert shown(outcome, 2).endswith("included ran\n")


def test_what_was_cloned_into_repos_is_found_there(notebooks: Bench) -> None:
    """By %run and dbutils.notebook.run; the repository's root is on the path of its own notebooks."""
    root = notebooks.settings.repos_dir / "me" / "cloned"
    (root / "notebooks").mkdir(parents=True)
    (root / "helper.py").write_text("NUMBER = 5\n")
    (root / "notebooks" / "names.py").write_text(source("name = 'cloned'", "dbutils.notebook.exit(name)"))
    (root / "notebooks" / "main.py").write_text(source("import helper", "dbutils.notebook.exit(str(helper.NUMBER))"))
    calls = "print(dbutils.notebook.run('/Repos/me/cloned/notebooks/names.py', 60))"

    outcome = notebooks.run(source(calls, magic("%run /Workspace/Repos/me/cloned/notebooks/names.py")))
    inside = notebooks.runner.run(notebooks.task(root / "notebooks" / "main.py"), threading.Event())

    assert shown(outcome, 1).endswith("cloned\n"), outcome.error_trace
    assert (outcome.exit_value, inside.exit_value) == ("cloned", "5")


def test_notebooks_that_run_side_by_side_do_not_mix(notebooks: Bench) -> None:
    """Names, widgets, what %run includes and IPython's own magics are each one's own; those of the caller stay."""
    (notebooks.folder / "number.py").write_text(source("number = int(dbutils.widgets.get('number'))"))
    (notebooks.folder / "side.py").write_text(
        source(
            "import builtins\nmine = dbutils.widgets.get('number')\nbuiltins.all_are_here.wait()",
            magic("%run ./number"),
            magic("%%time\ntimed = number + 1"),
            "builtins.all_are_here.wait()\nassert timed == number + 1\ndbutils.notebook.exit(f'{mine} {number}')",
        )
    )
    outcome = notebooks.run(
        source(
            "number = 'of the caller'\nimport builtins, threading\nimport concurrent.futures as futures",
            "builtins.all_are_here = threading.Barrier(4, timeout=60)",
            "with futures.ThreadPoolExecutor(4) as pool:\n"
            "    found = list(pool.map(lambda n: dbutils.notebook.run('./side', 60, {'number': str(n)}), range(4)))",
            "print(found, number, 'mine' in globals(), 'timed' in globals(), dbutils.widgets.getAll())",
        )
    )
    assert outcome.succeeded, outcome.error_trace
    assert shown(outcome, 4) == "['0 0', '1 1', '2 2', '3 3'] of the caller False False {}\n"


def test_cells_of_other_languages(notebooks: Bench) -> None:
    outcome = notebooks.run(
        source(
            magic("%sh\necho one two | wc -w"),
            magic("%skip\nraise ValueError"),
            magic("%python\nprint('py')"),
            magic("%fs put dbfs:/a.txt text true") + "\n",
            "print(dbutils.fs.head('dbfs:/a.txt'))",
            "import pandas\ndisplay(pandas.DataFrame({'a': [1, None]}))",
        )
    )
    assert outcome.succeeded, outcome.error_trace
    assert [shown(outcome, number) for number in (1, 2, 3, 5)] == ["2\n", "", "py\n", "text\n"]
    assert "<td>1.0</td>" in outcome.executed_notebook.read_text("utf-8")


@pytest.mark.parametrize(
    "reveal",
    [
        "print(value)",
        "value",
        "display(value)",
        "raise ValueError(value)",
        "import sys\nsys.stdout.write(value[:5])\nsys.stdout.write(value[5:])",
        "import subprocess\nprint(subprocess.run(['echo', value], capture_output=True).stdout)",
    ],
)
def test_a_secret_is_in_nothing_that_is_kept(notebooks: Bench, reveal: str) -> None:
    outcome = notebooks.run(source("value = dbutils.secrets.get('scope', 'key')\n" + reveal))
    everything = f"{outcome.executed_notebook.read_text('utf-8')}{outcome.error}{outcome.error_trace}"
    assert "[REDACTED]" in everything
    assert "hidden-value" not in everything


def test_cancelling_interrupts_the_cell_and_keeps_its_output(notebooks: Bench) -> None:
    cancel = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(notebooks.run, source(SLEEP, "1"), cancel=cancel, name="cancelled.py")
        wait_until(lambda: any(psutil_threads(child) for child in kernels(notebooks)), "a kernel")
        cancel.set()
        outcome = running.result()
    assert outcome.cancelled
    assert not outcome.succeeded
    assert not outcome.timed_out


def psutil_threads(process: psutil.Process) -> bool:
    """Whether it has come so far that it has threads of its own."""
    try:
        return process.num_threads() > 1
    except psutil.NoSuchProcess:
        return False


def test_a_time_limit_ends_the_notebook_and_what_it_started(notebooks: Bench) -> None:
    outcome = notebooks.run(
        source("import subprocess\nprint(subprocess.Popen(['sleep', '600']).pid, flush=True)", SLEEP), timeout_seconds=1
    )
    assert outcome.timed_out
    assert not outcome.cancelled
    started = int(shown(outcome, 1))
    wait_until(lambda: not _lives(started), "the end of what the notebook has started")
    assert "KeyboardInterrupt" in outcome.executed_notebook.read_text("utf-8")


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_killed_kernel_is_a_clear_failure_that_keeps_the_outputs(notebooks: Bench) -> None:
    kill = (
        "print('before', flush=True)\nimport os, signal, sys\nsys.stdout.flush()\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    outcome = notebooks.run(source("print('first')", kill))
    assert not outcome.succeeded
    assert "was killed by SIGKILL in notebook_cell 2" in (outcome.error or "")
    assert outcome.failed_notebook_cell == 2
    assert shown(outcome, 1) == "first\n"


def test_a_killed_warm_process_fails_its_notebooks_and_is_replaced(notebooks: Bench) -> None:
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(notebooks.run, source(SLEEP), name="orphan.py")
        wait_until(lambda: any(psutil_threads(child) for child in kernels(notebooks)), "a kernel")
        pid = notebooks.runner._zygote.pid
        assert pid is not None
        below = kernels(notebooks)
        os.kill(pid, signal.SIGKILL)
        outcome = running.result()
    assert "forked from" in (outcome.error or "")
    wait_until(lambda: not any(_lives(process.pid) for process in below), "the end of its kernels")
    assert notebooks.run(source("print(1)")).succeeded


def test_many_notebooks_two_at_a_time_lose_nothing(notebooks: Bench) -> None:
    def run(number: int) -> str:
        return shown(notebooks.run(source(f"print({number})"), name=f"many{number}.py"), 1)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, range(20))) == [f"{number}\n" for number in range(20)]


def test_nothing_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with bench(tmp_path, engine="none") as made:
        assert made.run(source("1")).succeeded
        pid = made.runner._zygote.pid
        assert pid is not None
        processes = [psutil.Process(pid), *kernels(made)]
        sockets = list((made.settings.runtime_dir / "kernels").iterdir())
    assert not sockets
    assert not any(_lives(process.pid) for process in processes)
