"""What went wrong in a build, said so that the user can act."""

from __future__ import annotations

import errno
import re
import shutil
from pathlib import Path

from sandbox.errors import PrerequisiteMissing, SandboxError
from sandbox.runtimes.bundle import Bundle
from sandbox.runtimes.registry import RuntimeSpec
from sandbox.runtimes.uv import Outcome


def uv_failed(spec: RuntimeSpec, folder: Path, outcome: Outcome, bundle: Bundle | None = None) -> SandboxError:
    """The error for a uv that ended badly; `bundle` is where it installed from, if not from an index."""
    name = spec.name
    if outcome.disk_full:
        return _disk_full(spec, folder, outcome.tail)
    if bundle is not None:
        return PrerequisiteMissing(
            f"the runtime {name} could not be installed from the bundle {bundle.folder}",
            why=f"uv said:\n{outcome.tail}",
            next_command=f"sandbox bundle '{bundle.folder}' --check    (a sound bundle may be of another platform)",
        )
    if outcome.network_gone:
        return PrerequisiteMissing(
            f"the packages of the runtime {name} could not be fetched",
            why=f"uv said:\n{outcome.tail}",
            next_command=f"sandbox runtimes build {name}   (with the network back; what was fetched is kept)",
        )
    if any(re.search(r"(?i)hash mismatch", line) for line in outcome.lines):
        return SandboxError(
            f"a package of the runtime {name} is not the one of the lock",
            why=f"uv said:\n{outcome.tail}",
            next_command="uv cache clean   (then again; if it stays so, the index serves other files than the lock's)",
        )
    return SandboxError(
        f"the runtime {name} could not be built (uv ended with {outcome.returncode})",
        why=f"uv said:\n{outcome.tail}",
        next_command=f"sandbox runtimes build {name}",
    )


def _disk_full(spec: RuntimeSpec, folder: Path, why: str) -> PrerequisiteMissing:
    free = shutil.disk_usage(folder).free // 2**20
    return PrerequisiteMissing(
        f"the disk is full: the runtime {spec.name} takes about {spec.size_mib} MiB, "
        f"{free} MiB were left in {folder}; the begun build is removed",
        why=why,
        next_command="sandbox runtimes prune   (or set SANDBOX_CACHE_DIR to a folder on another disk)",
    )


def os_failed(spec: RuntimeSpec, folder: Path, error: OSError) -> SandboxError:
    """The error for what the file system refused."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _disk_full(spec, folder, str(error))
    return SandboxError(f"the runtime {spec.name} could not be built", why=str(error))
