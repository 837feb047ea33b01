"""`sandbox bundle`: everything that an installation needs, in one folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sandbox.cli.session import Session, common_options
from sandbox.console import table
from sandbox.errors import NothingSelected, PrerequisiteMissing

if TYPE_CHECKING:
    from sandbox.runtimes.bundle import Bundle
    from sandbox.runtimes.store import RuntimeRequest

SHOWN_PROBLEMS = 20


@click.command("bundle")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@common_options
@click.option("--runtime", "names", multiple=True, help="This runtime; may be repeated. Default: what `up` needs.")
@click.option("--python", "pythons", multiple=True, metavar="MINOR", help="For this Python too; may be repeated.")
@click.option("--no-tool", is_flag=True, help="Leave out what `make setup` and `make test` install.")
@click.option("--images", is_flag=True, help="The container images and their bases too.")
@click.option("--check", is_flag=True, help="Write nothing; compare every file with the manifest.")
def command(
    session: Session,
    folder: Path,
    names: tuple[str, ...],
    pythons: tuple[str, ...],
    no_tool: bool,
    images: bool,
    check: bool,
) -> None:
    """Write everything that an installation without a network needs into FOLDER, or bring it up to date."""
    folder = folder.expanduser().absolute()
    if check:
        _check(session, folder)
        return
    from sandbox.runtimes.bundle_write import write_bundle
    from sandbox.runtimes.registry import TOOL_LOCKS

    written = write_bundle(
        folder,
        _requests(session, names),
        tool_locks=() if no_tool else tuple(TOOL_LOCKS),
        pythons=pythons,
        progress=session.terminal,
    )
    bundle = _with_images(session, written.bundle) if images else written.bundle
    _show(session, bundle, written.fetched)


def _requests(session: Session, names: tuple[str, ...]) -> list[RuntimeRequest]:
    """The runtimes of these names, with the project's additions where it has some."""
    from sandbox.plan import resolve
    from sandbox.runtimes.registry import RUNTIMES
    from sandbox.runtimes.store import RuntimeRequest

    needed = {request.name: request for request in resolve(session.config, session.paths).runtimes}
    if unknown := [name for name in names if name not in RUNTIMES]:
        raise NothingSelected(
            f"there is no runtime called {unknown[0]}",
            why=f"registered are: {', '.join(RUNTIMES)}",
            next_command="sandbox runtimes list",
        )
    return [needed.get(name) or RuntimeRequest(name=name) for name in dict.fromkeys(names)] or list(needed.values())


def _with_images(session: Session, bundle: Bundle) -> Bundle:
    from sandbox.images import bundled
    from sandbox.images.build import build
    from sandbox.images.registry import IMAGES

    built = build(tuple(IMAGES), session.config, session.paths.project, progress=session.terminal)
    references = [image.reference for image in built.values()]
    bundle = bundled.save(bundle, [*bundled.foreign_references(session.config), *references], session.terminal)
    return _with_chart(session, bundle)


def _with_chart(session: Session, bundle: Bundle) -> Bundle:
    """The chart of the kind backend, from where `up` would take it; without it the bundle is for Docker alone."""
    from sandbox.backends import bundled_chart
    from sandbox.backends.kind_release import chart_archive

    version = session.config.airflow.chart_version
    with session.terminal.step(f"chart of Airflow {version}") as step:
        try:
            source = chart_archive(session.config)
        except PrerequisiteMissing as lack:
            step.done(f"left out: {lack.what}")
            return bundle
        bundle = bundled_chart.save(bundle, source, version)
        step.done(f"from {source}")
    return bundle


def _show(session: Session, bundle: Bundle, fetched: tuple[str, ...]) -> None:
    from sandbox.runtimes.bundle import MANIFEST, sha256_of

    manifest = sha256_of(bundle.folder / MANIFEST)
    files = sorted(path for path in bundle.folder.rglob("*") if path.is_file())
    size = sum(path.stat().st_size for path in files)
    session.terminal.result(
        {
            "schema": 1,
            "folder": str(bundle.folder),
            "manifest_sha256": manifest,
            "size_bytes": size,
            "parts": [
                {
                    "name": part.name,
                    "python_version": part.python_version,
                    "platform": f"{part.system} {part.machine}",
                    "wheels": len(part.files),
                    "built": list(part.built),
                    "fetched": key in fetched,
                }
                for key, part in bundle.parts.items()
            ],
            "images": [{"reference": image.reference, "id": image.id} for image in bundle.images.values()],
        }
    )
    rows = [
        (part.name, part.python_version, f"{part.system} {part.machine}", len(part.files), ", ".join(part.built))
        for part in bundle.parts.values()
    ]
    session.terminal.show(table(("for", "python", "platform", "wheels", "built from source"), rows))
    if bundle.images:
        session.terminal.show(table(("image",), [(image.reference,) for image in bundle.images.values()]))
    session.terminal.say(f"{len(files)} files, {size / 2**20:.0f} MiB in {bundle.folder}")
    session.terminal.say(f"sha256 of {MANIFEST}: {manifest}")
    session.terminal.hint(f"sandbox bundle '{bundle.folder}' --check", f"make sandbox BUNDLE='{bundle.folder}'")


def _check(session: Session, folder: Path) -> None:
    from sandbox.runtimes.bundle import open_bundle, problems

    bundle = open_bundle(folder)
    with session.terminal.step(f"check {folder}") as step:
        found = list(problems(bundle))
        step.done(f"{len(bundle.parts)} locks, {len(bundle.images)} images")
    session.terminal.result({"schema": 1, "folder": str(folder), "problems": found})
    if found:
        more = [f"and {len(found) - SHOWN_PROBLEMS} more"] if len(found) > SHOWN_PROBLEMS else []
        raise PrerequisiteMissing(
            f"{len(found)} files of the bundle {folder} are missing or not what they were",
            why="\n".join([*found[:SHOWN_PROBLEMS], *more]),
            next_command=f"sandbox bundle '{folder}'    (with a network: fetches these anew; or copy it again)",
        )
