"""Git for tests, with an identity of their own, whatever this machine's user has configured."""

from __future__ import annotations

import subprocess
from pathlib import Path

OWN = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder; what it printed. Raises CalledProcessError when it fails."""
    command = ["git", "-C", str(folder), *OWN, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
