"""Make images exist: find those whose content has not changed, build the others from the built runtimes."""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.config import Config
from sandbox.errors import PrerequisiteMissing, SandboxError
from sandbox.images import bundled, context
from sandbox.images.docker import docker, failure, inspect_image
from sandbox.images.registry import IMAGES, REPOSITORY, ImageSpec
from sandbox.paths import make_private
from sandbox.progress import Progress
from sandbox.runtimes.build import ensure
from sandbox.runtimes.project_locks import locked
from sandbox.runtimes.store import Runtime, cache_folder

REVISION_LABEL = "org.opencontainers.image.revision"
OWNER_LABEL = "data-platform-sandbox.image"


@dataclass(frozen=True, kw_only=True)
class Image:
    """A built image: `reference` is repository:tag, `id` Docker's digest of its configuration."""

    name: str
    reference: str
    id: str
    size_bytes: int

    @property
    def repository(self) -> str:
        """The reference without its tag."""
        return self.reference.rpartition(":")[0]

    @property
    def tag(self) -> str:
        """The tag alone."""
        return self.reference.rpartition(":")[2]


def build(
    names: Iterable[str], config: Config, project: Path, *, release: bool = False, progress: Progress
) -> dict[str, Image]:
    """The images by name, built where their content is new.

    `release` bakes the project's DAGs and notebooks in as the last layer; without it they are mounted. Raises
    PrerequisiteMissing (Docker, the base image, the platform) and SandboxError with the end of a build's output.
    """
    specs = [IMAGES[name] for name in names]
    _check_platform()
    needed = dict.fromkeys(request for spec in specs for request in spec.runtimes(config).values())
    runtimes = ensure(locked(needed, project / config.airflow.locks), progress=progress)
    return {spec.name: _build_one(spec, config, project, runtimes, release, progress) for spec in specs}


def _check_platform() -> None:
    # the runtimes are this machine's; an image needs Linux ones
    if platform.system() != "Linux":
        raise PrerequisiteMissing(
            "images are built on Linux",
            why=f"this is {platform.system()}: its wheels do not run in a container",
            next_command="sandbox up --backend process    (or build in a Linux virtual machine or in CI)",
        )


def _build_one(
    spec: ImageSpec, config: Config, project: Path, runtimes: Mapping[str, Runtime], release: bool, progress: Progress
) -> Image:
    with progress.step(f"image {spec.name}") as step:
        base = spec.base(config)
        keys = {name: runtime.key for name, runtime in runtimes.items()}
        tag = context.runtime_tag(spec, config, keys, _base_id(base))
        reference = f"{REPOSITORY}/{spec.name}:{tag}"
        image = _found(spec.name, reference)
        what = "unchanged"
        if image is None:
            step.update(f"building on {base}")
            _build_runtime_stage(spec, config, runtimes, base, reference, project)
            image = _found(spec.name, reference)
            what = "built"
        if release and spec.project:
            runtime_reference = reference
            reference = f"{reference}-{context.project_digest(config, project)}"
            image = _found(spec.name, reference)
            if image is None:
                step.update("adding the project")
                _build_release_stage(spec, config, project, runtime_reference, reference)
                image = _found(spec.name, reference)
                what = "built"
        assert image is not None, reference
        step.done(f"{what}, {image.size_bytes / 2**20:.0f} MiB, {image.tag}")
        return image


def _found(name: str, reference: str) -> Image | None:
    known = inspect_image(reference)
    if known is None and bundled.bring(reference):
        known = inspect_image(reference)
    return Image(name=name, reference=reference, id=known["Id"], size_bytes=known["Size"]) if known else None


def _base_id(base: str) -> str:
    return str(provide(base, setting="images.base, images.airflow_base")["Id"])


def provide(reference: str, *, setting: str) -> dict[str, Any]:
    """What Docker knows of an image that is not ours: of this machine, of the bundle, or pulled.

    Raises PrerequisiteMissing that names the image and the ways out.
    """
    known = inspect_image(reference)
    if known is None and bundled.bring(reference):
        known = inspect_image(reference)
    if known is None:
        try:
            docker(["pull", "--quiet", reference])
        except SandboxError as error:
            raise PrerequisiteMissing(
                f"the image {reference} is not on this machine and cannot be pulled",
                why=f"{error.why}\nsettings that name it: {setting}",
                next_command=f"docker load --input FILE    (made by `docker save {reference}` where it is; "
                f"or name one that `docker images` lists: {setting})",
            ) from error
        known = inspect_image(reference)
        assert known is not None, reference
    return known


def _labels(project: Path, name: str) -> list[str]:
    labels = {OWNER_LABEL: name, REVISION_LABEL: _revision(project)}
    return [part for key, value in labels.items() for part in ("--label", f"{key}={value}")]


def _revision(project: Path) -> str:
    """The commit of the project, marked where the tree differs from it; "unknown" outside Git."""

    def git(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", "-C", str(project), *words], capture_output=True, text=True, check=False)

    head = git("rev-parse", "HEAD")
    if head.returncode != 0:
        return "unknown"
    return head.stdout.strip() + ("-dirty" if git("status", "--porcelain").stdout.strip() else "")


def _build_runtime_stage(
    spec: ImageSpec, config: Config, runtimes: Mapping[str, Runtime], base: str, reference: str, project: Path
) -> None:
    # below the cache, so that the runtimes' files can be linked instead of copied
    parent = make_private(cache_folder() / "image-contexts")
    with tempfile.TemporaryDirectory(prefix=f"{spec.name}-", dir=parent) as folder:
        context.lay_out(spec, config, runtimes, Path(folder))
        arguments = ["--target", "runtime", "--build-arg", f"BASE_IMAGE={base}"]
        arguments += ["--build-arg", f"PYTHON={spec.python(config)}"]
        _docker_build([*arguments, *_labels(project, spec.name), "--tag", reference, folder])


def _build_release_stage(spec: ImageSpec, config: Config, project: Path, runtime: str, reference: str) -> None:
    with tempfile.TemporaryDirectory(prefix=f"sandbox-{spec.name}-") as folder:
        place = Path(folder)
        context.lay_out_project(config, project, place / "project")
        text = (spec.folder / "Dockerfile").read_text()
        # the stage alone, on the image that is there: the legacy builder would build what comes before it again
        stage = text[text.index("FROM runtime AS release") :].replace("FROM runtime AS release", f"FROM {runtime}")
        (place / "Dockerfile").write_text(stage)
        _docker_build([*_labels(project, spec.name), "--tag", reference, folder])


def _docker_build(arguments: list[str]) -> None:
    done = subprocess.run(
        ["docker", "build", *arguments],
        env=os.environ | {"BUILDKIT_PROGRESS": "plain"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise failure(["build", *arguments], done.stdout + done.stderr, done.returncode)
