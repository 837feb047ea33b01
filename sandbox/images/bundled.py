"""Container images in a bundle: `docker save` into it, `docker load` from it where this machine lacks one."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable
from pathlib import Path

from sandbox.config import Config
from sandbox.errors import SandboxError
from sandbox.images.docker import docker, inspect_image
from sandbox.images.registry import IMAGES
from sandbox.progress import Progress
from sandbox.runtimes.bundle import Bundle, SavedImage, chosen_bundle, sha256_of, write_manifest
from sandbox.runtimes.bundle_wheels import os_failed


def foreign_references(config: Config) -> tuple[str, ...]:
    """The images that are not ours but needed: the bases (a tag depends on its base), and those that settings name."""
    named = (config.docker.postgres_image, config.kind.node_image)
    return tuple(dict.fromkeys([*(spec.base(config) for spec in IMAGES.values()), *(name for name in named if name)]))


def save(bundle: Bundle, references: Iterable[str], progress: Progress) -> Bundle:
    """Save these images of this machine into the bundle, where it does not have them already, and drop all others.

    Raises SandboxError when Docker has no such image or there is no room.
    """
    wanted = list(dict.fromkeys(references))
    try:
        (bundle.folder / "images").mkdir(exist_ok=True)
        for reference in wanted:
            with progress.step(f"image {reference}") as step:
                known = inspect_image(reference)
                if known is None:
                    raise SandboxError(f"Docker has no image {reference}", next_command=f"docker pull {reference}")
                saved, what = bundle.images.get(reference), "unchanged"
                if saved is None or saved.id != known["Id"] or not _is_whole(bundle, saved):
                    step.update("saving")
                    saved, what = _save(bundle, reference, known["Id"]), "saved"
                    bundle = dataclasses.replace(bundle, images={**bundle.images, reference: saved})
                    write_manifest(bundle)
                step.done(f"{what}, {(bundle.folder / saved.file).stat().st_size / 2**20:.0f} MiB")
        bundle = dataclasses.replace(bundle, images={name: bundle.images[name] for name in wanted})
        write_manifest(bundle)
        named = {image.file for image in bundle.images.values()}
        for path in (bundle.folder / "images").iterdir():
            if f"images/{path.name}" not in named:
                path.unlink()
    except OSError as error:
        raise os_failed(bundle.folder, error) from error
    return bundle


def _is_whole(bundle: Bundle, image: SavedImage) -> bool:
    path = bundle.folder / image.file
    return path.is_file() and sha256_of(path) == image.sha256


def _save(bundle: Bundle, reference: str, image_id: str) -> SavedImage:
    # the name says which image; what a reference may hold, a file name may not
    digest = hashlib.sha256(f"{reference}\0{image_id}".encode()).hexdigest()[:12]
    stem = reference.rpartition("/")[2].replace(":", "-").replace("@", "-")
    path = bundle.folder / "images" / f"{stem}-{digest}.tar"
    unfinished = path.with_suffix(".new")
    docker(["save", "--output", str(unfinished), reference])
    unfinished.replace(path)
    return SavedImage(reference=reference, id=image_id, file=f"images/{path.name}", sha256=sha256_of(path))


def load(bundle: Bundle, progress: Progress) -> tuple[list[SavedImage], list[SavedImage]]:
    """Give Docker every image of the bundle that it lacks; those that were loaded, and those that were there."""
    loaded: list[SavedImage] = []
    present: list[SavedImage] = []
    for image in bundle.images.values():
        known = inspect_image(image.reference)
        if known is not None and known["Id"] == image.id:
            present.append(image)
            continue
        with progress.step(f"image {image.reference}") as step:
            _load(bundle, image)
            step.done("loaded")
        loaded.append(image)
    return loaded, present


def bring(reference: str) -> bool:
    """Load one image from the bundle that SANDBOX_BUNDLE names; whether it holds it."""
    bundle = chosen_bundle()
    image = bundle.images.get(reference) if bundle else None
    if bundle is None or image is None:
        return False
    _load(bundle, image)
    return True


def _load(bundle: Bundle, image: SavedImage) -> None:
    path: Path = bundle.folder / image.file
    what = "" if path.is_file() else f"missing: {image.file}"
    if not what:
        docker(["load", "--quiet", "--input", str(path)])
        known = inspect_image(image.reference)
        what = "" if known is not None else f"{image.file} does not hold {image.reference}"
    if what:
        raise SandboxError(
            f"the image {image.reference} cannot be loaded from the bundle {bundle.folder}",
            why=what,
            next_command=f"sandbox bundle '{bundle.folder}' --check",
        )
