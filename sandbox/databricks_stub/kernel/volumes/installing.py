"""Makes a process see the volumes of its sandbox."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sandbox.databricks_stub.kernel.volumes import pandas_files, patches
from sandbox.databricks_stub.kernel.volumes.files import s3
from sandbox.databricks_stub.kernel.volumes.paths import VolumePaths
from sandbox.databricks_stub.kernel.volumes.remote import VolumeFiles
from sandbox.databricks_stub.kernel.volumes.system import VolumeSystem


def install(paths: VolumePaths, *, warehouse: Path, aws: Mapping[str, str] | None = None) -> None:
    """Let plain Python see the volumes of `paths`; copies of their files are kept beside the warehouse.

    `aws` are the variables AWS_ENDPOINT_URL and so on, by default those of this process.
    """
    known = dict(os.environ if aws is None else aws)
    copies = warehouse.resolve().parent / "volumes"
    patches.install(VolumeSystem(paths, VolumeFiles(copies=copies, client=lambda: s3(known))))
    pandas_files.install()
