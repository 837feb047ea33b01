"""Images on their way to the worker of a Kind cluster: saved one after the other, loaded as they are saved."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.backends.kind_cluster import cluster_name
from sandbox.backends.kind_tools import Tools
from sandbox.images.docker import docker
from sandbox.paths import StatePaths, make_private
from sandbox.progress import Progress

LOADS_AT_ONCE = 2
"""Unpacking keeps one core busy, and so does what reads the archive."""


class Shipment:
    """Saves and loads in the background; leaving the context ends both, and removes what was saved."""

    def __init__(self, paths: StatePaths, tools: Tools) -> None:
        self._paths, self._tools = paths, tools
        # not in the folder for temporary files, which is memory on many machines
        self._folder = paths.root / "images"
        self._savers = ThreadPoolExecutor(1)
        self._loaders = ThreadPoolExecutor(LOADS_AT_ONCE)
        self._saved: dict[str, Future[Path]] = {}
        self._loaded: dict[str, Future[None]] = {}

    def __enter__(self) -> Self:
        shutil.rmtree(self._folder, ignore_errors=True)  # what a killed `up` left
        make_private(self._folder)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pool in (self._savers, self._loaders):
            pool.shutdown(cancel_futures=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def save(self, references: Iterable[str]) -> None:
        """Begin to save these, in this order; the cluster need not be there yet."""
        for reference in references:
            if reference not in self._saved:
                file = self._folder / f"{len(self._saved)}.tar"
                self._saved[reference] = self._savers.submit(_save, reference, file)

    def load(self, references: Collection[str]) -> None:
        """Begin to load those that the worker lacks; tags are made from content, so equal names are equal images."""
        present = on_worker(self._paths)
        lacking = [reference for reference in references if reference not in present]
        self.save(lacking)
        for reference in lacking:
            self._loaded[reference] = self._loaders.submit(self._load, self._saved[reference])

    def wait(self, references: Collection[str], title: str, progress: Progress) -> None:
        """Return when the worker has these; raises what saving or loading one of them raised."""
        with progress.step(title) as step:
            coming = [self._loaded[reference] for reference in references if reference in self._loaded]
            for count, each in enumerate(coming):
                step.update(f"{count} of {len(coming)} loaded")
                each.result()
            step.done(f"{len(coming)} loaded" if coming else "all there")

    def _load(self, saved: Future[Path]) -> None:
        file = saved.result()
        name = cluster_name(self._paths)
        self._tools.run("kind", "load", "image-archive", str(file), "--name", name, "--nodes", worker(self._paths))
        file.unlink()


def worker(paths: StatePaths) -> str:
    """The node that the pods run on."""
    return f"{cluster_name(paths)}-worker"


def on_worker(paths: StatePaths) -> set[str]:
    """The images that the worker has, by reference."""
    listed = docker(["exec", worker(paths), "ctr", "--namespace", "k8s.io", "images", "list", "--quiet"])
    return {line.removeprefix("docker.io/") for line in listed.splitlines()}


def _save(reference: str, file: Path) -> Path:
    docker(["save", "--output", str(file), reference])
    return file
