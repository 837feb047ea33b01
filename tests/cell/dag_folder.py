"""A folder with copies of DAGs that several test processes share; the last one removes it.

As with a sandbox, no process knows of the others: each holds a shared lock on a file beside the folder.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.paths import StatePaths
from sandbox.testing.tenancy import is_last, joined

SUFFIX = ".cell-dags"


@contextmanager
def copied(sources: Iterable[Path], paths: StatePaths) -> Iterator[Path]:
    """The folder beside a sandbox's own, which is private: inside the project, which every backend reaches."""
    _remove_leftovers(paths)
    folder = paths.root.with_name(f"{paths.name}{SUFFIX}")
    # with a dot: what begins like a sandbox's name is taken for a sandbox
    users = folder.with_name(f".{folder.name}")
    with joined(users) as file:
        for source in sources:
            shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        try:
            yield folder
        finally:
            if is_last(file):
                shutil.rmtree(folder)
                users.unlink()


def _remove_leftovers(paths: StatePaths) -> None:
    """What test runs have left that were killed."""
    for users in paths.root.parent.glob(f".*{SUFFIX}"):
        with users.open("a") as file:
            if is_last(file):
                shutil.rmtree(users.with_name(users.name.removeprefix(".")), ignore_errors=True)
                users.unlink(missing_ok=True)
