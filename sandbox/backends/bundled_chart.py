"""Airflow's chart in a bundle: put into it beside the images, taken from it where SANDBOX_BUNDLE names one."""

from __future__ import annotations

import dataclasses
import shutil
import tarfile
from pathlib import Path

from sandbox.errors import PrerequisiteMissing
from sandbox.runtimes.bundle import Bundle, chosen_bundle, sha256_of, write_manifest
from sandbox.runtimes.bundle_wheels import os_failed


def save(bundle: Bundle, source: Path, version: str) -> Bundle:
    """Keep the chart, an archive or a folder, in the bundle as an archive, and drop those of other versions."""
    folder = bundle.folder / "charts"
    target = folder / f"airflow-{version}.tgz"
    unfinished = target.with_suffix(".new")
    try:
        folder.mkdir(exist_ok=True)
        if source.is_dir():
            with tarfile.open(unfinished, "w:gz") as archive:
                archive.add(source, arcname="airflow")
        else:
            shutil.copyfile(source, unfinished)
        unfinished.replace(target)
        for other in folder.iterdir():
            if other != target:
                other.unlink()
        bundle = dataclasses.replace(bundle, charts={f"charts/{target.name}": sha256_of(target)})
        write_manifest(bundle)
    except OSError as error:
        raise os_failed(bundle.folder, error) from error
    return bundle


def find(version: str) -> Path | None:
    """The chart in the bundle that SANDBOX_BUNDLE names; None when it names none, or one without this version.

    Raises PrerequisiteMissing for a file that is not what was put there.
    """
    bundle = chosen_bundle()
    name = f"charts/airflow-{version}.tgz"
    if bundle is None or name not in bundle.charts:
        return None
    path: Path = bundle.folder / name
    if not path.is_file() or sha256_of(path) != bundle.charts[name]:
        raise PrerequisiteMissing(
            f"the bundle {bundle.folder} is damaged",
            why=f"missing or changed: {name}",
            next_command=f"sandbox bundle '{bundle.folder}' --check    (then write or copy it again)",
        )
    return path
