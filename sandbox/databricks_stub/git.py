"""git as a program: clones and checkouts of URLs and names that came from outside, without a shell.

What git may do is narrowed: no transport that runs a program of the URL's choosing, no hooks, no questions.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

SCHEMES = ("https", "http", "ssh", "file")
SECONDS = 150
"""Less than the three minutes that Airflow's provider waits for an answer."""
# Documented: https://git-scm.com/docs/git-check-ref-format - what a name cannot have
NO_NAME = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^/|/$|\.$|\.lock$|^@$")
SSH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*@[A-Za-z0-9_][A-Za-z0-9_.-]*:(?![:/])\S+")
"""git@host:path, git's other way to write ssh://."""
SHOWN_LINES = 5


class GitError(Exception):
    """git did not do it; the message is git's own."""


def url_complaint(url: str) -> str:
    """Why a URL is not cloned; "" for one that is."""
    if re.search(r"[\x00-\x20\x7f]", url) or url.startswith("-"):
        return "it has characters that no URL has"
    if url.startswith("/") or SSH.fullmatch(url):
        return ""
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in SCHEMES:
        return f"it is neither one of {', '.join(f'{known}://' for known in SCHEMES)} nor an absolute path"
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as error:
        return str(error)
    if parts.password is not None:
        return "it carries a password, which would be kept and shown; git's own credential helpers are asked"
    if scheme != "file" and (not host or host.startswith("-")):
        return "it names no host"
    return ""


def name_complaint(name: str) -> str:
    """Why a branch or a tag cannot have this name; "" for one that can."""
    usable = name and not name.startswith("-") and not NO_NAME.search(name)
    return "" if usable else f"{name!r} is no name of a branch or a tag"


def clone(url: str, folder: Path) -> None:
    """Clone a repository; raises GitError."""
    _git("clone", "--quiet", "--no-recurse-submodules", "-c", f"core.hooksPath={os.devnull}", "--", url, str(folder))


def fetch(folder: Path) -> None:
    """Learn what the repository has by now; raises GitError."""
    _git("-C", str(folder), "fetch", "--quiet", "--prune", "--force", "--tags", "--no-recurse-submodules", "origin")


def checkout_branch(folder: Path, branch: str) -> bool:
    """Take a branch as the repository had it when it was last asked; False when it had none. Raises GitError."""
    commit = _commit(folder, f"refs/remotes/origin/{branch}")
    if commit:
        _git("-C", str(folder), "checkout", "--quiet", "--force", "--no-track", "-B", branch, commit, "--")
    return bool(commit)


def checkout_tag(folder: Path, tag: str) -> bool:
    """Take what a tag names; False when there is none. Raises GitError."""
    commit = _commit(folder, f"refs/tags/{tag}")
    if commit:
        _git("-C", str(folder), "checkout", "--quiet", "--force", "--detach", commit, "--")
    return bool(commit)


def head(folder: Path) -> tuple[str, str]:
    """The branch, "" where none is checked out, and the commit, "" in an empty repository."""
    try:
        branch = _git("-C", str(folder), "symbolic-ref", "--quiet", "--short", "HEAD")
    except GitError:
        branch = ""
    return branch, _commit(folder, "HEAD")


def _commit(folder: Path, reference: str) -> str:
    try:
        return _git(
            "-C", str(folder), "rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}"
        )
    except GitError:
        return ""


def _git(*arguments: str) -> str:
    command = ["git", "-c", "protocol.ext.allow=never", "-c", f"core.hooksPath={os.devnull}", *arguments]
    try:
        done = subprocess.run(
            command,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise GitError("git is not on the workspace's PATH") from error
    except subprocess.TimeoutExpired as error:
        raise GitError(f"git took longer than {SECONDS} seconds") from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise GitError("; ".join(said[-SHOWN_LINES:]) or f"git ended with {done.returncode}")
    return done.stdout.strip()


def _environment() -> dict[str, str]:
    """This process's, without what would point git elsewhere; with what keeps it from asking."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {
        "GIT_ALLOW_PROTOCOL": ":".join(SCHEMES),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
        "LC_ALL": "C",
    }
