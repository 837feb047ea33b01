"""A sandbox's metadata database: `python -m sandbox.metadata_database …` prepares the cluster and becomes the server.

A sandbox that has run an older Airflow keeps its history: the newer Airflow migrates a copy of the older one's cluster,
as an upgrade in production does. The older cluster stays as it was, for whoever goes back.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sandbox import database_template, postgres


def older_history(data: Path) -> Path | None:
    """The cluster of the newest Airflow before this one's; clusters lie side by side, named after the versions."""
    own = _version(data)
    others = [
        folder
        for folder in (data.parent.iterdir() if data.parent.is_dir() else ())
        if re.fullmatch(r"[0-9]+(\.[0-9]+)+", folder.name) and _version(folder) < own
    ]
    return max(others, key=_version, default=None)


def _version(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in folder.name.split("."))


def prepare(data: Path, *, template: Path, bin_folder: Path, airflow_python: Path) -> str:
    """Make the cluster when there is none: from an older history, else from the template; says what was done."""
    if data.exists():
        return ""
    older = older_history(data)
    if older is None:
        postgres.copy_cluster(template, data)
        return "new"

    def upgrade(copy: Path) -> None:
        with (
            tempfile.TemporaryDirectory(prefix="sandbox-pg-", dir="/tmp") as sockets,
            database_template.serving(bin_folder, copy, Path(sockets)),
        ):
            database_template.migrate(Path(sockets), airflow_python, {})

    postgres.copy_cluster(older, data, change=upgrade)
    return f"the history of Airflow {older.name} was taken over and migrated to {data.name}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Prepare the cluster, then become the server."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.metadata_database", description=__doc__)
    for name in ("bin", "data", "template", "airflow-python", "socket"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    given = parser.parse_args(arguments)
    told = prepare(given.data, template=given.template, bin_folder=given.bin, airflow_python=given.airflow_python)
    if told:
        print(told, flush=True)
    argv = postgres.server_argv(given.bin, given.data, given.socket)
    # relative paths of the server are of no interest, and the working folder must be one that `nobody` may enter
    os.chdir("/")
    os.execv(argv[0], argv)


if __name__ == "__main__":
    main()
