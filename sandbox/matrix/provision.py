"""What cells need before they start: their runtimes and images, each built once, whatever number of cells share it."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox import images
from sandbox.config import load
from sandbox.errors import PrerequisiteMissing, SandboxError
from sandbox.images.docker import attempt, inspect_image
from sandbox.images.registry import IMAGES
from sandbox.matrix import machine
from sandbox.matrix.runner import Job, sandbox_name
from sandbox.paths import StatePaths, find_project
from sandbox.plan import Plan, resolve
from sandbox.progress import Progress
from sandbox.report.integrity import of_file
from sandbox.report.model import RuntimeUsed
from sandbox.runtimes.build import ensure
from sandbox.runtimes.store import LOCK_COPY
from sandbox.services import SERVICES


def provide(jobs: Sequence[Job], progress: Progress) -> tuple[list[Job], dict[str, str]]:
    """The jobs with what they run in, and why others cannot have it."""
    plans: dict[str, Plan] = {}
    unable: dict[str, str] = {}
    for job in jobs:
        try:
            plans[job.cell.id] = plan_of(job)
        except SandboxError as error:
            unable[job.cell.id] = _told(error)
    try:
        # in one go: side by side
        ensure(dict.fromkeys(need for plan in plans.values() for need in plan.runtimes), progress=progress)
    except PrerequisiteMissing as error:
        progress.note(f"{error.what}; trying cell by cell")
    able: list[Job] = []
    for job in jobs:
        if (plan := plans.get(job.cell.id)) is None:
            continue
        try:
            ready = dataclasses.replace(job, runtimes=_runtimes(plan, progress), images=_images(plan, progress))
        except SandboxError as error:
            unable[job.cell.id] = _told(error)
            continue
        able.append(ready)
    return able, unable


def _told(error: SandboxError) -> str:
    """An error in a line: what, and the first of its reasons."""
    return ": ".join([error.what, *error.why.splitlines()[:1]])


@functools.cache
def lacks(backend: str) -> str:
    """What this machine lacks to run a backend with this shell's settings: programs, Docker, the base images."""
    missing = machine.lacks(backend)
    if missing or backend == "process":
        return missing
    config = load(find_project(Path.cwd()), os.environ).config
    bases = dict.fromkeys(spec.base(config) for spec in IMAGES.values())
    gone = [base for base in bases if inspect_image(base) is None and not _can_be_pulled(base)]
    return f"there is no base image {', '.join(gone)} here, nor can it be pulled" if gone else ""


def _can_be_pulled(reference: str) -> bool:
    return attempt(["manifest", "inspect", reference]).returncode == 0


def plan_of(job: Job) -> Plan:
    """What the cell's sandbox will be."""
    config = load(job.project, job.environment(os.environ)).config
    return resolve(config, StatePaths(project=job.project, name=sandbox_name(job.cell)))


def _runtimes(plan: Plan, progress: Progress) -> tuple[RuntimeUsed, ...]:
    built = ensure(plan.runtimes, progress=progress)
    return tuple(
        RuntimeUsed(name=name, key=runtime.key, lock_sha256=of_file(runtime.path / LOCK_COPY))
        for name, runtime in built.items()
    )


def _images(plan: Plan, progress: Progress) -> Mapping[str, str]:
    """The images of a backend that runs services from images: reference and digest."""
    if plan.backend == "process":
        return {}
    names = dict.fromkeys(SERVICES[service.name].container.image for service in plan.services)
    wanted = [name for name in names if name in IMAGES]
    built = images.build(wanted, plan.config, plan.paths.project, progress=progress)
    return {name: f"{image.reference}@{image.id}" for name, image in sorted(built.items())}
