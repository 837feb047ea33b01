"""Which Airflow, Python and packages a repository asks for: image tags, requirement files, pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

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
            read = tomllib.loads(text_of(path))
        except tomllib.TOMLDecodeError:
            return
        listed = read.get("project", {}).get("dependencies", [])
        lines = [(str(line), 1) for line in listed] if isinstance(listed, list) else []
        lines += [(line, 1) for line in _of_poetry(read.get("tool", {}).get("poetry", {}).get("dependencies", {}))]
    elif REQUIREMENT_FILES.search(file) and "constraint" not in path.name and "dev" not in path.stem:
        lines = [(line, number) for number, line in enumerate(text_of(path).splitlines(), start=1)]
    else:
        return
    for line, number in lines:
        stripped = line.partition(" #")[0].strip()
        match = REQUIREMENT.match(stripped)
        if match and "://" not in stripped:
            yield Named(name=canonical(match[1]), detail=stripped, place=Place(file=file, line=number))


def _of_poetry(dependencies: Mapping[str, Any]) -> Iterator[str]:
    """Poetry's table as requirements."""
    for name, given in dependencies.items():
        version = given.get("version") if isinstance(given, dict) else given
        if name != "python" and isinstance(version, str):
            yield name + ",".join(filter(None, (_range(part.strip()) for part in version.split(","))))


def _range(constraint: str) -> str:
    """One of Poetry's constraints as pip has it; what says nothing, or nothing that pip could say, is empty."""
    if match := re.fullmatch(r"([~^])(\d+(?:\.\d+)*)", constraint):
        numbers = match[2].split(".")
        last = len(numbers) - 1
        # Documented: https://python-poetry.org/docs/dependency-specification - ^ keeps the first number that is not 0
        first = next((at for at, number in enumerate(numbers) if number != "0"), last)
        keep = first if match[1] == "^" else min(1, last)
        ceiling = [*numbers[:keep], str(int(numbers[keep]) + 1)]
        return f">={match[2]},<{'.'.join(ceiling)}"
    if re.match(r"\d", constraint):
        return f"=={constraint}"
    return constraint if re.fullmatch(r"[<>=!~]=?\s*\d[^|]*", constraint) else ""
