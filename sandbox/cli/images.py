"""`sandbox images`: the container images of the docker and kind backends."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from sandbox.cli.groups import Group
from sandbox.cli.session import Session, common_options
from sandbox.console import table


@click.group("images", cls=Group)
def command() -> None:
    """The container images that the docker and kind backends run, and that production gets."""


@command.command("list")
@common_options
def list_images(session: Session) -> None:
    """Show every image, what it is for and the base that it is built on."""
    from sandbox.images.registry import IMAGES

    rows = [(spec.name, spec.purpose, spec.base(session.config)) for spec in IMAGES.values()]
    session.terminal.result(
        {"schema": 1, "images": [dict(zip(("name", "purpose", "base"), row, strict=True)) for row in rows]}
    )
    session.terminal.show(table(("image", "for", "base"), rows))


@command.command("build")
@common_options
@click.argument("names", nargs=-1)
@click.option("--release", is_flag=True, help="Bake the DAGs and notebooks in, as production gets them.")
def build_images(session: Session, names: tuple[str, ...], release: bool) -> None:
    """Build the images NAMES, or all, where their content is new."""
    from sandbox.errors import NothingSelected
    from sandbox.images import build
    from sandbox.images.registry import IMAGES

    if unknown := [name for name in names if name not in IMAGES]:
        raise NothingSelected(
            f"there is no image {unknown[0]!r}", why=f"images: {', '.join(IMAGES)}", next_command="sandbox images list"
        )
    built = build(
        names or tuple(IMAGES), session.config, session.paths.project, release=release, progress=session.terminal
    )
    session.terminal.result({"schema": 1, "images": [dataclasses.asdict(image) for image in built.values()]})
    rows = [(image.reference, image.id, f"{image.size_bytes / 2**20:.0f} MiB") for image in built.values()]
    session.terminal.show(table(("image", "id", "size"), rows))


@command.command("load")
@common_options
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def load_images(session: Session, folder: Path) -> None:
    """Give Docker the images of the bundle in FOLDER that it lacks."""
    from sandbox.images import bundled
    from sandbox.runtimes.bundle import open_bundle

    loaded, present = bundled.load(open_bundle(folder.expanduser().absolute()), session.terminal)
    session.terminal.result(
        {
            "schema": 1,
            "loaded": [image.reference for image in loaded],
            "present": [image.reference for image in present],
        }
    )
    rows = [(image.reference, "loaded" if image in loaded else "was there") for image in (*loaded, *present)]
    session.terminal.show(table(("image", ""), rows))
