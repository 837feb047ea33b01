"""What a notebook names: volumes, tables, secrets, buckets, widgets; from its text, cell by cell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from sandbox.adopt.dag_source import S3_ADDRESS
from sandbox.adopt.model import Named, Notebook, Place

HEADERS = ("# Databricks notebook source", "-- Databricks notebook source")
_PART = r"([A-Za-z_]\w*|\{[A-Za-z_]\w*\})"
VOLUME = re.compile(rf"/Volumes/{_PART}/{_PART}/{_PART}")
SECRET = re.compile(
    r"secrets\.get(?:Bytes)?\(\s*(?:scope\s*=\s*)?['\"]([^'\"]+)['\"]\s*,\s*(?:key\s*=\s*)?['\"]([^'\"]+)['\"]"
)
WIDGET = re.compile(
    r"widgets\.(?:text|dropdown|combobox|multiselect)\(\s*(?:name\s*=\s*)?['\"](\w+)['\"]\s*,"
    r"\s*(?:defaultValue\s*=\s*)?['\"]([^'\"]*)['\"]"
)
_NAME = r"`?([A-Za-z_]\w*)`?\.`?([A-Za-z_]\w*)`?(?:\.`?([A-Za-z_]\w*)`?)?"
IN_SQL = re.compile(
    rf"\b(?:FROM|JOIN|INTO|TABLE(?:\s+IF\s+NOT\s+EXISTS)?|VIEW|UPDATE)\s+{_NAME}(?![\w.(/])", re.IGNORECASE
)
IN_PYTHON = re.compile(rf"(?:\.table|saveAsTable|insertInto|writeTo|forName|tableExists)\([^()'\"]*['\"]{_NAME}['\"]")
PYTHON_IMPORT = re.compile(r"^\s*from\s+[\w.]+\s+import\b")


def is_notebook(path: Path, text: str) -> bool:
    """Whether a file is a notebook, of either format."""
    if path.suffix == ".ipynb":
        return True
    return path.suffix in (".py", ".sql") and text.startswith(HEADERS)


def read(path: Path, root: Path, text: str) -> Notebook:
    """What the notebook at `path` names; one whose JSON is broken names nothing."""
    file = str(path.relative_to(root))
    lines = [(line, number) for line, number in _lines(path, text) if not PYTHON_IMPORT.match(line)]
    found: dict[str, list[Named]] = {"volumes": [], "tables": [], "secrets": [], "buckets": []}
    widgets: dict[str, str] = {}
    for line, number in lines:
        place = Place(file=file, line=number)
        found["volumes"] += [Named(name=".".join(parts), place=place) for parts in VOLUME.findall(line)]
        found["secrets"] += [Named(name="/".join(parts), place=place) for parts in SECRET.findall(line)]
        found["buckets"] += [Named(name=name, place=place) for name in S3_ADDRESS.findall(line)]
        for pattern in (IN_SQL, IN_PYTHON):
            found["tables"] += [
                Named(name=".".join(part for part in parts if part), place=place) for parts in pattern.findall(line)
            ]
        widgets |= dict(WIDGET.findall(line))
    return Notebook(path=path, widgets=widgets, **{name: tuple(items) for name, items in found.items()})


def _lines(path: Path, text: str) -> Iterator[tuple[str, int]]:
    if path.suffix != ".ipynb":
        yield from ((line, number) for number, line in enumerate(text.splitlines(), start=1))
        return
    try:
        cells = json.loads(text)["cells"]
        sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        return
    for number, source in enumerate(sources, start=1):
        joined = "".join(source) if isinstance(source, list) else str(source)
        yield from ((line, number) for line in joined.splitlines())
