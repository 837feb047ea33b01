"""Make runtimes exist: find the built ones in the cache, build the missing ones side by side with uv."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.runtimes.store import Runtime, RuntimeRequest, locate, mark_used, runtimes_folder

if TYPE_CHECKING:
    from sandbox.progress import Progress
    from sandbox.runtimes.bundle import Bundle
    from sandbox.runtimes.tools import Tools


def ensure(
    requests: Iterable[str | RuntimeRequest],
    *,
    progress: Progress,
    cache_dir: Path | None = None,
    offline: bool = False,
    bundle: Path | None = None,
    jobs: int | None = None,
    tools: Tools | None = None,
) -> dict[str, Runtime]:
    """The runtimes by name, built first where they are missing: from `bundle` or what SANDBOX_BUNDLE names, if any.

    With all of them built it starts no process and answers in milliseconds. When one cannot be built the others are
    given up too; what was finished stays in the cache.
    """
    wanted = [RuntimeRequest(name=item) if isinstance(item, str) else item for item in requests]
    ready: dict[str, Runtime] = {}
    missing: list[RuntimeRequest] = []
    for request in wanted:
        if runtime := locate(request, cache_dir):
            mark_used(runtime)
            ready[request.name] = runtime
        else:
            missing.append(request)
    if missing:
        from sandbox.runtimes.bundle import chosen_bundle

        jobs = jobs or max(2, os.cpu_count() or 2)
        ready |= _build_missing(missing, progress, cache_dir, offline, chosen_bundle(bundle), jobs, tools)
    return {request.name: ready[request.name] for request in wanted}


def _build_missing(
    missing: list[RuntimeRequest],
    progress: Progress,
    cache_dir: Path | None,
    offline: bool,
    bundle: Bundle | None,
    jobs: int,
    tools: Tools | None,
) -> dict[str, Runtime]:
    from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

    from sandbox.runtimes.builder import Build, run_build
    from sandbox.runtimes.preflight import check_disk, choose_pythons, make_folder
    from sandbox.runtimes.sweep import remove_leftovers
    from sandbox.runtimes.tools import Tools
    from sandbox.runtimes.uv import Cancelled

    tools = tools or Tools()
    parent = make_folder(runtimes_folder(cache_dir))
    remove_leftovers(parent)
    offline = offline or bundle is not None
    accepted = {request: bundle.minors(request) if bundle else request.spec.pythons for request in missing}
    pythons = choose_pythons(accepted, tools=tools, folder=parent, offline=offline, progress=progress)
    check_disk(missing, folder=parent, tools=tools)
    cancelled = threading.Event()
    missing.sort(key=lambda request: -request.spec.size_mib)
    builds = [Build.of(request, pythons[request], parent, bundle) for request in missing]
    with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="runtime") as pool:
        futures = [
            pool.submit(run_build, build, uv=tools.uv, progress=progress, cancelled=cancelled, offline=offline)
            for build in builds
        ]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            # nothing to cancel after success; after a failure or Ctrl-C the rest ends and clears away what it began
            cancelled.set()
            for future in futures:
                future.cancel()
    errors = [None if future.cancelled() else future.exception() for future in futures]
    for error in errors:
        if error is not None and not isinstance(error, Cancelled):
            raise error
    return {future.result().name: future.result() for future in futures}
