"""From what was found to settings: what each is taken from, and what could not be guessed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from sandbox.adopt import draft_airflow, draft_databricks
from sandbox.adopt.model import Draft, Findings
from sandbox.runtimes.registry import RUNTIMES, RuntimeSpec


def draft(found: Findings) -> Draft:
    """The settings of a repository, as far as it names them."""
    made = Draft()
    _project(found, made)
    _row(found, made)
    draft_airflow.packages(found, made)
    draft_airflow.connections(found, made)
    buckets = draft_databricks.buckets(found)
    draft_airflow.variables(found, made, buckets)
    draft_airflow.pools(found, made)
    draft_databricks.storage(found, made, buckets)
    draft_databricks.secrets(found, made)
    _run(found, made)
    return made


def _project(found: Findings, made: Draft) -> None:
    folder = found.dag_folder
    if folder is None:
        made.ask("no DAG file was found", ".", "set project.dags to the folder that Airflow parses")
    else:
        inside = [file for file in found.dag_files if file.path.is_relative_to(folder)]
        made.put(("project", "dags"), found.shown(folder), _count(len(inside), "file with DAGs", "files with DAGs"))
        for file in found.dag_files:
            if file not in inside:
                made.ask(
                    "DAGs outside project.dags are not parsed",
                    found.shown(file.path),
                    "move the file, or choose a folder above both",
                )
    notebooks = [notebook.path.parent for notebook in found.notebooks]
    if notebooks:
        together = Path(os.path.commonpath(notebooks))
        made.put(("project", "notebooks"), found.shown(together), _count(len(notebooks), "notebook", "notebooks"))
    if found.bundle is None:
        made.ask("no Databricks bundle was found", ".", "set project.bundle once there is a databricks.yml")
        return
    made.put(
        ("project", "bundle"),
        found.shown(found.bundle.path),
        f"jobs: {', '.join(found.bundle.jobs) or 'none'}",
    )
    for other in found.other_bundles:
        made.ask("a sandbox has one bundle", found.shown(other), "choose by project.bundle")
    target = found.bundle.default_target or next(
        (name for name in ("local", "dev", "development") if name in found.bundle.targets), None
    )
    if target is None and found.bundle.targets:
        target = found.bundle.targets[0]
        made.ask("the bundle has no default target", found.shown(found.bundle.path), f"{target} was taken")
    if target is not None:
        made.put(("project", "bundle_target"), target, f"of {', '.join(found.bundle.targets)}")


def rows() -> list[RuntimeSpec]:
    """The Airflow rows, oldest first."""
    return [spec for spec in RUNTIMES.values() if spec.is_row]


def _row_key(spec: RuntimeSpec) -> tuple[str, str]:
    version, _, python = spec.name.removeprefix("airflow-").partition("-py")
    return version, python


def _row(found: Findings, made: Draft) -> None:
    known = [_row_key(spec) for spec in rows()]
    wanted, python = found.wanted.airflow, found.wanted.python
    if wanted is None:
        made.ask("which Airflow production runs", ".", f"airflow.version; there are {_versions(known)}")
        return
    versions = sorted({version for version, _ in known}, key=_numbers)
    version = wanted.name
    if version not in versions:
        version = next((each for each in reversed(versions) if _numbers(each) <= _numbers(version)), versions[0])
        made.ask(
            f"there is no row for Airflow {wanted.name}",
            wanted.place,
            f"{version} was taken; there are {_versions(known)}",
        )
    pythons = [each for row, each in known if row == version]
    chosen = python.name if python and python.name in pythons else pythons[0]
    if python and chosen != python.name:
        made.ask(f"Airflow {version} has no row on Python {python.name}", python.place, f"{chosen} was taken")
    made.put(("airflow", "version"), version, str(wanted.place))
    made.put(("airflow", "python"), chosen, str(python.place) if python else "the row's first")


def _versions(known: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{version} on Python {python}" for version, python in known)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _run(found: Findings, made: Draft) -> None:
    roots = [file for file in found.dag_files if not file.schedules]
    awaited = {name for file in found.dag_files for name in file.schedules}
    jobs = {*found.bundle.jobs} if found.bundle else set()
    for files, reason in (
        ([file for file in roots if file.outlets & awaited], "it writes an asset that another one waits for"),
        ([file for file in roots if file.jobs & jobs], "it runs a job of the bundle"),
        (roots, "the only one that no asset triggers"),
    ):
        names = [item.name for file in files for item in file.dag_ids if item.name]
        if len(names) == 1:
            made.put(("run", "dag"), names[0], reason)
            return
        if names:
            made.ask("which DAG `sandbox run` triggers", ".", f"set run.dag; candidates: {', '.join(names)}")
            return


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
