"""Digests: of files, of folders, and of a report, so that one that was edited is noticed.

A plain digest notices damage and edits by mistake; whoever can edit a file can compute its digest anew. With a key in
SANDBOX_REPORT_KEY the report is signed (HMAC), and only holders of the key can make one that is accepted.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from pathlib import Path

from sandbox.report.model import Integrity, Report

KEY_VARIABLE = "SANDBOX_REPORT_KEY"
PLAIN, SIGNED = "sha256", "hmac-sha256"
IGNORED = ("__pycache__", ".DS_Store")


def of_file(path: Path) -> str:
    """The sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_inside(folder: Path, path: str) -> bool:
    """Whether a path of a report is a file in its folder: a report is read, not believed."""
    file = (folder / path).resolve()
    return ".." not in Path(path).parts and file.is_relative_to(folder.resolve()) and file.is_file()


def of_tree(folder: Path) -> str:
    """The sha256 of a folder: of the names and contents of its files."""
    total = hashlib.sha256()
    for path in sorted(tree_files(folder)):
        total.update(f"{path.relative_to(folder).as_posix()}\0{of_file(path)}\n".encode())
    return total.hexdigest()


def tree_files(folder: Path) -> Iterator[Path]:
    """The files below a folder that count, also those behind links; no folder twice, so that a loop ends."""
    seen = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        if (real := os.path.realpath(place)) in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if name not in IGNORED)
        for name in names:
            if name not in IGNORED and (path := Path(place, name)).is_file():
                yield path


def sealed(report: Report, key: str) -> Report:
    """The report with its digest; signed when there is a key."""
    algorithm = SIGNED if key else PLAIN
    return report.model_copy(
        update={"integrity": Integrity(algorithm=algorithm, digest=_digest(report, algorithm, key))}
    )


def complaint(report: Report, key: str) -> str:
    """What is wrong with the report's digest; empty when it is the report's own."""
    seal = report.integrity
    if seal is None:
        return "it carries no digest"
    if seal.algorithm not in (PLAIN, SIGNED):
        return f"its digest is of an unknown kind, {seal.algorithm}"
    if seal.algorithm == SIGNED and not key:
        return f"it is signed, and {KEY_VARIABLE} is not set: the signature cannot be checked"
    if not hmac.compare_digest(seal.digest, _digest(report, seal.algorithm, key)):
        return "it was changed after it was written" + (", or signed with another key" if key else "")
    return ""


def _digest(report: Report, algorithm: str, key: str) -> str:
    content = report.model_dump(mode="json", by_alias=True, exclude={"integrity"})
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    if algorithm == SIGNED:
        return hmac.new(key.encode(), text, hashlib.sha256).hexdigest()
    return hashlib.sha256(text).hexdigest()
