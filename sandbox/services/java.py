"""Which Java this machine has for classic Spark; looked for, never installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import PrerequisiteMissing

OLDEST = 17
# Documented: https://spark.apache.org/docs/4.2.0 - the versions that it runs on
TRIED = (17, 21, 25)
SECONDS = 20.0
FOLDERS = ("/usr/lib/jvm", "/usr/java", "/opt/java", "/Library/Java/JavaVirtualMachines", "~/.sdkman/candidates/java")
VERSION = re.compile(r'version "(?P<first>\d+)(?:\.(?P<second>\d+))?')


@dataclass(frozen=True, kw_only=True)
class Java:
    """A Java: its home folder and its major version."""

    home: Path
    version: int


def find_java(configured: str | None, env: Mapping[str, str] | None = None) -> Java:
    """The Java to run Spark on: the configured one, JAVA_HOME, the one on the path, or one in the usual folders.

    Raises PrerequisiteMissing when there is none that is new enough, and says what was looked at.
    """
    known = os.environ if env is None else env
    looked_at: list[str] = []
    found: list[Java] = []
    for home in _homes(configured, known):
        version = _version(home)
        looked_at.append(f"{home}: {f'Java {version}' if version else 'no Java that runs'}")
        if version and version >= OLDEST:
            java = Java(home=home, version=version)
            if version in TRIED or configured:
                return java
            found.append(java)
    if found:
        return found[0]
    raise PrerequisiteMissing(
        f"the engine `spark` needs Java {OLDEST} or newer, and this machine has none",
        why="\n".join(looked_at) or "neither JAVA_HOME, nor `java` on the path, nor one in the usual folders",
        next_command="apt-get install openjdk-17-jre-headless   (macOS: brew install openjdk@17; or name one in"
        " engine.java_home; or SANDBOX_ENGINE_NAME=sail, which needs no Java)",
    )


def _homes(configured: str | None, env: Mapping[str, str]) -> Iterator[Path]:
    if configured:
        yield Path(configured).expanduser()
        return
    seen: set[Path] = set()
    for home in _candidates(env):
        if (resolved := home.resolve()) not in seen and (home / "bin" / "java").exists():
            seen.add(resolved)
            yield home


def _candidates(env: Mapping[str, str]) -> Iterator[Path]:
    if home := env.get("JAVA_HOME"):
        yield Path(home)
    if program := shutil.which("java", path=env.get("PATH")):
        yield Path(program).resolve().parent.parent
    for name in FOLDERS:
        folder = Path(name).expanduser()
        for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
            yield entry / "Contents" / "Home" if (entry / "Contents" / "Home").is_dir() else entry


def _version(home: Path) -> int | None:
    try:
        answer = subprocess.run(
            [str(home / "bin" / "java"), "-version"], capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = VERSION.search(answer.stderr + answer.stdout)
    if match is None:
        return None
    # before Java 9 the first number was always 1
    return int(match["second"] or 0) if match["first"] == "1" else int(match["first"])
