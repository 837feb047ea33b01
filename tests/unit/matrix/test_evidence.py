"""What a cell's folder gets: under names that every CI system stores, with the true ones as titles."""

from __future__ import annotations

import sys
from pathlib import Path

from sandbox.backends.base import CommandLog
from sandbox.matrix.evidence import collect, printed
from sandbox.report.integrity import of_file

LOG = "airflow/logs/dag_id=d/run_id=manual__2026-01-02T09:49:41.5+00:00/task_id=t/attempt=1.log"
REFUSED_BY_UPLOAD_ARTIFACT = set('":<>|*?\r\n')
"""Documented: packages/artifact/src/internal/upload/path-and-artifact-name-validation.ts of actions/toolkit."""


def written(path: Path, text: str) -> Path:
    """A file in folders that are made for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_names_that_can_be_uploaded(tmp_path: Path) -> None:
    """Airflow's logs have a time in their path, a test's DAG any sign: the copy has none of them, the title has all."""
    state, folder = tmp_path / "state", tmp_path / "run" / "cell"
    notebook = 'databricks/runs/1/a "b" <c> | d* e?.ipynb'
    written(state / LOG, "said")
    written(state / notebook, "{}")

    files = {file.title: file for file in collect(state, folder)}
    files |= {file.title: file for file in printed([print_("pod: a|b")], folder)}

    assert [*files] == [LOG, notebook, "logs/pod: a|b.log"]
    for file in files.values():
        assert not REFUSED_BY_UPLOAD_ARTIFACT & set(file.path), file.path
        assert of_file(folder.parent / file.path) == file.sha256


def test_no_two_files_become_one(tmp_path: Path) -> None:
    """Also when their names differ by nothing else."""
    state, folder = tmp_path / "state", tmp_path / "run" / "cell"
    for name in ("a:b", "a?b", "a_b"):
        written(state / "logs" / f"{name}.log", name)

    files = [*collect(state, folder), *printed([print_("a_b")], folder)]

    texts = {(folder.parent / file.path).read_text() for file in files}
    assert len({file.path for file in files}) == 4
    assert texts == {"a:b", "a?b", "a_b", "printed"}


def print_(title: str) -> CommandLog:
    """A log that a command prints."""
    argv = (sys.executable, "-c", "print('printed', end='')", "and its options")
    return CommandLog(title=title, argv=argv, lines="--lines", follow="--follow")
