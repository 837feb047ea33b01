"""The one place that runs `uv` and `pip`: environment, output line by line, the end when the user wants no more."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

KEPT_LINES = 40
STOP_SECONDS = 5.0

# What pip was told about the network holds for uv too: many networks are configured for pip alone.
_PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "cert": "SSL_CERT_FILE",
}
_FIRST_USE = threading.Lock()
_SAME_MEANING = {"UV_DEFAULT_INDEX": ("UV_INDEX_URL",), "UV_INDEX": ("UV_EXTRA_INDEX_URL",)}


class Cancelled(Exception):
    """The work was given up because another part failed or the user interrupted."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a command ended, and the last lines it said (standard output and error together)."""

    returncode: int
    lines: tuple[str, ...] = ()

    @property
    def tail(self) -> str:
        """The last lines, for an error's `why`."""
        return "\n".join(line for line in self.lines[-12:] if line.strip())

    @property
    def disk_full(self) -> bool:
        return any("No space left on device" in line or "os error 28" in line for line in self.lines)

    @property
    def network_gone(self) -> bool:
        pattern = re.compile(
            r"(?i)failed to (fetch|download)|error sending request|dns error|connection (refused|reset)|timed? ?out|"
            r"network (is )?unreachable|connectivity is disabled|no solution.*cache|max retries|connection broken|"
            r"connection ?error|name resolution"
        )
        return any(pattern.search(line) for line in self.lines)


class RunPip(Protocol):
    """The seam: runs the pip of an interpreter with these arguments."""

    def __call__(
        self,
        python: Path,
        arguments: Sequence[str],
        *,
        folder: Path,
        on_line: Callable[[str], None] = ...,
        cancelled: threading.Event | None = ...,
    ) -> Outcome:
        """Run in `folder` to the end."""


class RunUv(Protocol):
    """The seam: runs `uv` with these arguments."""

    def __call__(
        self,
        arguments: Sequence[str],
        *,
        folder: Path,
        on_line: Callable[[str], None] = ...,
        cancelled: threading.Event | None = ...,
        keep_open: tuple[int, ...] = ...,
    ) -> Outcome:
        """Run in `folder` to the end; `keep_open` are file descriptors that uv and its children hold open."""


def ignore(_line: str) -> None:
    """Listen to nothing."""


def run_uv(
    arguments: Sequence[str],
    *,
    folder: Path,
    on_line: Callable[[str], None] = ignore,
    cancelled: threading.Event | None = None,
    keep_open: tuple[int, ...] = (),
) -> Outcome:
    """Run the `uv` of this tool's own environment. Raises Cancelled, after uv has ended, when `cancelled` is set."""
    binary, pip_settings = _machine()
    environment = uv_environment(os.environ, pip_settings)
    return _run([binary, *arguments], environment, folder, on_line, cancelled, keep_open)


def run_pip(
    python: Path,
    arguments: Sequence[str],
    *,
    folder: Path,
    on_line: Callable[[str], None] = ignore,
    cancelled: threading.Event | None = None,
) -> Outcome:
    """Run the pip of an interpreter, as `run_uv` does uv."""
    return _run([str(python), "-m", "pip", *arguments], pip_environment(os.environ), folder, on_line, cancelled, ())


def _run(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    on_line: Callable[[str], None],
    cancelled: threading.Event | None,
    keep_open: tuple[int, ...],
) -> Outcome:
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=keep_open,
    ) as process:
        done = threading.Event()
        guard = threading.Thread(target=_stop_when_cancelled, args=(process, cancelled, done), daemon=True)
        guard.start()
        try:
            lines = _listen(process, on_line)
            returncode = process.wait()
        finally:
            done.set()
            if process.poll() is None:
                _stop(process)
    if cancelled is not None and cancelled.is_set():
        raise Cancelled
    return Outcome(returncode=returncode, lines=tuple(lines))


def uv_environment(environment: Mapping[str, str], pip_settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of uv: the caller's, plus what pip knows of the network where uv was told nothing."""
    result = {
        key: value for key, value in environment.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")
    }
    for option, variable in _PIP_TO_UV.items():
        known = any(name in result for name in (variable, *_SAME_MEANING.get(variable, ())))
        if option in pip_settings and not known:
            result[variable] = pip_settings[option]
    result["NO_COLOR"] = "1"
    result["UV_NO_PROGRESS"] = "1"
    result.setdefault("UV_COMPILE_BYTECODE_TIMEOUT", "600")
    return result


def pip_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of pip: the caller's, plus the indexes that uv was told of where pip was not."""
    kept = {key: value for key, value in environment.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")}
    for option in ("index-url", "extra-index-url"):
        variable = _PIP_TO_UV[option]
        said = next((kept[name] for name in (variable, *_SAME_MEANING[variable]) if kept.get(name)), None)
        if said:
            # uv allows a name before an index: name=https://…
            urls = [part.partition("=")[2] if "=" in part.split("://")[0] else part for part in said.split()]
            kept.setdefault("PIP_" + option.upper().replace("-", "_"), " ".join(urls))
    return kept


def parse_pip_settings(text: str) -> dict[str, str]:
    """The settings in the output of `pip config list`; environment and more special sections win."""
    settings: dict[str, str] = {}
    order = ("global.", "install.", ":env:.")
    entries = re.findall(r"(?m)^(global|install|:env:)\.([a-z-]+)='(.*)'$", text)
    for _section, option, value in sorted(entries, key=lambda entry: order.index(f"{entry[0]}.")):
        settings[option] = " ".join(value.replace("\\n", " ").split())
    return {option: value for option, value in settings.items() if option in _PIP_TO_UV}


def without_credentials(text: str) -> str:
    """`text` with the user and password of every URL taken out."""
    return re.sub(r"(?<=://)[^/\s@]+@", "", text)


def _machine() -> tuple[str, dict[str, str]]:
    """Where uv is and what pip knows of the network; one thread at a time, for sysconfig's first use is not safe."""
    from uv import find_uv_bin

    with _FIRST_USE:
        return find_uv_bin(), _pip_settings()


@cache
def _pip_settings() -> dict[str, str]:
    command = [sys.executable, "-m", "pip", "config", "list"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return parse_pip_settings(answer.stdout) if answer.returncode == 0 else {}


def _listen(process: subprocess.Popen[str], on_line: Callable[[str], None]) -> deque[str]:
    lines: deque[str] = deque(maxlen=KEPT_LINES)
    assert process.stdout is not None
    for line in process.stdout:
        clean = without_credentials(line.rstrip())
        lines.append(clean)
        on_line(clean)
    return lines


def _stop_when_cancelled(
    process: subprocess.Popen[str], cancelled: threading.Event | None, done: threading.Event
) -> None:
    while cancelled is not None and not done.wait(0.1):
        if cancelled.is_set():
            _stop(process)
            return


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
