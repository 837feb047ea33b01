"""What this machine has and lacks for the sandbox; every check says what it found and how to mend it."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from sandbox import ports, room
from sandbox.backends import cluster
from sandbox.backends.kind_tools import LEAST_VERSIONS, check_tools, version_of
from sandbox.errors import PrerequisiteMissing, SandboxError
from sandbox.images.docker import docker
from sandbox.plan import Plan
from sandbox.runtimes.pythons import find_pythons
from sandbox.runtimes.store import cache_folder, locate
from sandbox.services.java import find_java

FREE_DISK_BYTES = 4 * 1024**3
FREE_MEMORY_GIB = {"process": 3, "docker": 4, "kind": 5, "cluster": 1}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One check: `ok` False is a reason why `up` will fail; `mend` is what to do about it."""

    name: str
    ok: bool
    detail: str
    mend: str = ""


def _python(plan: Plan) -> Finding:
    version = platform.python_version()
    return Finding(name="python of the tool", ok=sys.version_info >= (3, 11), detail=f"{version} at {sys.executable}")


def _runtimes(plan: Plan) -> Finding:
    missing = [request for request in plan.runtimes if locate(request) is None]
    if not missing:
        return Finding(name="runtimes", ok=True, detail=f"all {len(plan.runtimes)} are built")
    accepted = {request.name: request.spec.pythons for request in missing}
    found = find_pythons(minor for minors in accepted.values() for minor in minors).by_minor
    unbuildable = [
        f"{name} ({' or '.join(minors)})" for name, minors in accepted.items() if not found.keys() & set(minors)
    ]
    if unbuildable:
        return Finding(
            name="runtimes",
            ok=False,
            detail=f"no Python on this machine for {', '.join(unbuildable)}",
            mend="sandbox runtimes list    (shows which Python each accepts; uv downloads one when it is online)",
        )
    return Finding(name="runtimes", ok=True, detail=f"to build: {', '.join(accepted)}", mend="sandbox runtimes build")


def _disk(plan: Plan) -> Finding:
    folder = cache_folder()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return Finding(
        name="disk",
        ok=free >= FREE_DISK_BYTES,
        detail=f"{free / 1024**3:.1f} GiB free at {folder}, {FREE_DISK_BYTES // 1024**3} GiB wanted",
        mend="" if free >= FREE_DISK_BYTES else "sandbox runtimes prune    (or set SANDBOX_CACHE_DIR)",
    )


def _memory(plan: Plan) -> Finding:
    free, wanted = psutil.virtual_memory().available / 1024**3, FREE_MEMORY_GIB[plan.backend]
    return Finding(
        name="memory",
        ok=free >= wanted,
        detail=f"{free:.1f} GiB available, {wanted} GiB wanted",
        mend="" if free >= wanted else "close other programs",
    )


def _ports(plan: Plan) -> Finding:
    busy = [
        f"{service.port} ({service.title}): {ports.holder(service.port)}"
        for service in plan.services
        if service.port is not None and not ports.is_free(service.port)
    ]
    if not busy:
        return Finding(name="ports", ok=True, detail="all default ports are free")
    return Finding(name="ports", ok=True, detail=f"busy, others will be used: {'; '.join(busy)}")


def _state(plan: Plan) -> Finding:
    folder = plan.paths.root
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        detail, mend = f"{folder} is not writable", f"chown -R $(id -un) {shlex.quote(str(folder))}"
    elif (free := room.free_mib(folder)) < room.NEW_SANDBOX_MIB:
        detail, mend = f"{free} MiB free, {room.NEW_SANDBOX_MIB} MiB wanted", f"df -h {shlex.quote(str(folder))}"
    else:
        return Finding(name="state folder", ok=True, detail=str(plan.paths.root))
    return Finding(name="state folder", ok=False, detail=f"{plan.paths.root}: {detail}", mend=mend)


def _postgres_user(plan: Plan) -> Finding:
    if os.getuid() != 0:
        return Finding(name="user", ok=True, detail="an ordinary user")
    found = shutil.which("setpriv")
    return Finding(
        name="user",
        ok=True,
        detail="root: PostgreSQL runs as an unprivileged user" + ("" if found else " (setpriv is not installed)"),
    )


def _java(plan: Plan) -> Finding:
    if plan.config.engine.name != "spark":
        return Finding(name="java", ok=True, detail="not needed: the engine is not `spark`")
    try:
        java = find_java(plan.config.engine.java_home)
    except PrerequisiteMissing as lack:
        return Finding(name="java", ok=False, detail=f"{lack.what}: {lack.why}", mend=lack.next_command)
    return Finding(name="java", ok=True, detail=f"Java {java.version} at {java.home}")


def _docker(plan: Plan) -> Finding:
    if plan.backend in ("process", "cluster"):
        return Finding(name="docker", ok=True, detail=f"not needed by the {plan.backend} backend")
    try:
        version = docker(["info", "--format", "{{.ServerVersion}}"]).strip()
    except SandboxError as error:
        return Finding(name="docker", ok=False, detail=error.what, mend=error.next_command)
    return Finding(name="docker", ok=True, detail=f"Docker {version}")


def _kubernetes(plan: Plan) -> Finding:
    if plan.backend not in ("kind", "cluster"):
        return Finding(name="kind, helm, kubectl", ok=True, detail=f"not needed by the {plan.backend} backend")
    needed = [name for name in LEAST_VERSIONS if plan.backend == "kind" or name != "kind"]
    try:
        check_tools(needed)
        where = cluster.reached(plan.config, plan.paths) if plan.backend == cluster.NAME else ""
    except SandboxError as error:
        return Finding(name="kind, helm, kubectl", ok=False, detail=error.what, mend=error.next_command)
    found = {name: ".".join(map(str, version_of(name) or ())) for name in needed}
    detail = ", ".join(f"{name} {version}" for name, version in found.items())
    return Finding(name="kind, helm, kubectl", ok=True, detail=f"{detail}{where}")


CHECKS: tuple[Callable[[Plan], Finding], ...] = (
    _python,
    _runtimes,
    _java,
    _disk,
    _memory,
    _ports,
    _state,
    _postgres_user,
    _docker,
    _kubernetes,
)


def examine(plan: Plan) -> list[Finding]:
    """Run every check."""
    return [check(plan) for check in CHECKS]
