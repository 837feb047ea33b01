"""Where a sandbox keeps its files: one folder of state, one short private folder for sockets."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import PrerequisiteMissing


@dataclass(frozen=True, kw_only=True)
class StatePaths:
    """The folders and files of the sandbox `name` of the project at `project` (absolute)."""

    project: Path
    name: str

    @property
    def root(self) -> Path:
        return self.project / ".sandbox" / self.name

    @property
    def instance_id(self) -> str:
        """Sixteen hex digits that no other sandbox of this machine has; processes carry it in their environment."""
        return hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]

    @property
    def runtime(self) -> Path:
        """Folder for Unix sockets, outside the project: a socket's path may have 107 bytes at most (sun_path)."""
        return user_runtime_folder() / self.instance_id

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse"

    @property
    def archives(self) -> Path:
        return self.root / "archive"

    @property
    def credentials_file(self) -> Path:
        return self.root / "credentials.json"

    @property
    def launch_file(self) -> Path:
        """What the supervisor shall run (written by `up`, mode 0600: it holds environments)."""
        return self.root / "launch.json"

    @property
    def state_file(self) -> Path:
        """What the supervisor runs now."""
        return self.root / "state.json"

    @property
    def lock_file(self) -> Path:
        """Held by `up`, `down` and `reset` while they work."""
        return self.root / "lifecycle.lock"

    @property
    def package_link(self) -> Path:
        """A folder that holds nothing but a link to this package: the PYTHONPATH of the islands."""
        return self.root / "pythonpath"


@dataclass(frozen=True, kw_only=True)
class ContainerPaths(StatePaths):
    """The same places inside the sandbox's images: fixed, so that two containers which share a volume agree."""

    project: Path = Path("/sandbox/project")
    name: str = "container"

    @property
    def root(self) -> Path:
        return Path("/sandbox/state")

    @property
    def runtime(self) -> Path:
        return Path("/sandbox/run")

    @property
    def archives(self) -> Path:
        return Path("/sandbox/archive")

    @property
    def package_link(self) -> Path:
        return Path("/opt/sandbox")


def user_runtime_folder() -> Path:
    """The short private folder of all sandboxes of this user."""
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    if len(os.fsencode(base)) > 40:
        base = Path("/tmp")
    return base / f"sandbox-{os.getuid()}"


def find_project(start: Path) -> Path:
    """The nearest folder at or above `start` with a sandbox.toml; `start` itself when there is none."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / "sandbox.toml").is_file():
            return folder
    return start


def make_private(folder: Path) -> Path:
    """Create `folder` with mode 0700 (its parents too) and return it.

    Raises PrerequisiteMissing when somebody else made it: below a shared folder such as /tmp anybody could have.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for each in (folder, folder.parent):
        status = each.lstat()
        if each.name.startswith("sandbox-") and (status.st_uid != os.getuid() or not stat.S_ISDIR(status.st_mode)):
            raise PrerequisiteMissing(
                f"{each} is not a folder of this user",
                why=f"it belongs to uid {status.st_uid}, this process runs as {os.getuid()}",
                next_command=f"ls -ld {each}    (or set XDG_RUNTIME_DIR to a folder of yours)",
            )
    folder.chmod(0o700)
    return folder


def write_private(path: Path, text: str) -> None:
    """Write `text` to `path` atomically, readable by the owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp: mode 0600, and a name of its own for each of several writers
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
