"""Which Airflow, Python and packages a repository asks for: image tags, requirement files, pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from sandbox.adopt.files import text_of
from sandbox.adopt.model import Named, Place, Wanted
from sandbox.runtimes.locks import canonical

IMAGE = re.compile(r"apache/airflow:(?:slim-)?(\d+\.\d+\.\d+)(?:-python(\d+\.\d+))?")
VERSION = re.compile(r"\bAIRFLOW_VERSION\b\s*[:=]\s*['\"]?(\d+\.\d+\.\d+)")
REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*(?:(?:[<>=!~]=?|===)\s*[^;#\s][^;#]*)?")
REQUIREMENT_FILES = re.compile(r"(?:.*requirements.*|requirements/.*)\.(?:txt|in)$")


def read(root: Path, paths: Iterable[Path]) -> Wanted:
    """What the files among `paths` that speak of packages say; the first in order of path wins."""
    airflow: Named | None = None
    python: Named | None = None
    requirements: dict[str, Named] = {}
    for path in paths:
        file = str(path.relative_to(root))
        if _speaks_of_images(path):
            for number, line in enumerate(text_of(path).splitlines(), start=1):
                place = Place(file=file, line=number)
                if match := IMAGE.search(line):
                    airflow = airflow or Named(name=match[1], place=place)
                    python = python or (Named(name=match[2], place=place) if match[2] else None)
                elif match := VERSION.search(line):
                    airflow = airflow or Named(name=match[1], place=place)
        for requirement in _requirements(path, file):
            requirements.setdefault(requirement.name, requirement)
    pinned = requirements.get("apache-airflow")
    if pinned and (match := re.search(r"==\s*(\d+\.\d+\.\d+)", pinned.detail)):
        airflow = Named(name=match[1], place=pinned.place)
    return Wanted(airflow=airflow, python=python, requirements=requirements)


def _speaks_of_images(path: Path) -> bool:
    return "dockerfile" in path.name.lower() or path.suffix in (".yaml", ".yml", ".env") or path.name == "Makefile"


def _requirements(path: Path, file: str) -> Iterator[Named]:
    if path.name == "pyproject.toml":
        try:
            listed = tomllib.loads(text_of(path)).get("project", {}).get("dependencies", [])
        except tomllib.TOMLDecodeError:
            return
        lines = [(str(line), 1) for line in listed] if isinstance(listed, list) else []
    elif REQUIREMENT_FILES.search(file) and "constraint" not in path.name and "dev" not in path.stem:
        lines = [(line, number) for number, line in enumerate(text_of(path).splitlines(), start=1)]
    else:
        return
    for line, number in lines:
        stripped = line.partition(" #")[0].strip()
        match = REQUIREMENT.match(stripped)
        if match and "://" not in stripped:
            yield Named(name=canonical(match[1]), detail=stripped, place=Place(file=file, line=number))
