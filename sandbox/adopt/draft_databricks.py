"""Settings of S3 and Databricks: buckets, catalog, schemas, volumes, secrets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sandbox.adopt.model import PLACEHOLDER, Draft, Findings, Named, Place, first_by_name


def buckets(found: Findings) -> dict[str, Named]:
    """Every bucket that the code or the bundle names."""
    named = [item for file in found.sources for item in file.buckets]
    named += [item for notebook in found.notebooks for item in notebook.buckets]
    defaults = [item for item in found.named("variables").values() if "bucket" in item.name.lower() and item.detail]
    named += [Named(name=item.detail, place=item.place) for item in defaults]
    if found.bundle is not None:
        place = Place(file=found.shown(found.bundle.path), line=1)
        addresses = [location for location in found.bundle.volumes.values() if location.startswith("s3://")]
        named += [Named(name=address.split("/")[2], place=place) for address in addresses]
    return first_by_name(named)


def storage(found: Findings, made: Draft, buckets: Mapping[str, Named]) -> None:
    """Buckets, and the prefix behind each volume."""
    bundle = found.bundle
    locations = dict(bundle.volumes) if bundle else {}
    names = _volumes(found)
    if buckets:
        made.put(("s3", "buckets"), sorted(buckets), ", ".join(str(item.place) for item in buckets.values()))
    else:
        made.ask("which buckets there are", "", 's3.buckets = ["…"]')
    _names(found, made)
    for name in sorted({*names, *locations}):
        location = locations.get(name, "")
        where = str(names[name].place) if name in names else "the bundle"
        if location.startswith("s3://"):
            made.put(("databricks", "volumes", name), location.rstrip("/") + "/", "the bundle's storage_location")
        elif len(buckets) == 1:
            guess = f"s3://{next(iter(buckets))}/"
            made.put(("databricks", "volumes", name), guess, f"{where}; the location is a guess: the only bucket")
            made.ask(f"which S3 prefix lies behind the volume {name}", where, f"{guess} was taken")
        else:
            made.ask(
                f"which S3 prefix lies behind the volume {name}",
                where,
                f'add to [databricks.volumes]: "{name}" = "s3://<bucket>/<prefix>/"',
            )


def _volumes(found: Findings) -> dict[str, Named]:
    """The volumes that notebooks name; what is filled in is taken from the defaults of widgets and of the bundle."""
    values = found.bundle.variables if found.bundle else {}
    named = []
    for notebook in found.notebooks:
        known = dict(values) | {name: value for name, value in notebook.widgets.items() if value}
        for item in notebook.volumes:
            parts = [known.get(part.strip("{}"), part) if part[0] == "{" else part for part in item.name.split(".")]
            if not any(part[0] == "{" for part in parts):
                named.append(Named(name=".".join(parts), place=item.place))
    return first_by_name(named)


def _names(found: Findings, made: Draft) -> None:
    """Catalog and schemas: of the bundle's variables, else of the widgets, else the names that are used most."""
    variables = found.bundle.variables if found.bundle else {}
    widgets = {name: value for notebook in found.notebooks for name, value in notebook.widgets.items() if value}
    parts = [item.name.split(".") for notebook in found.notebooks for item in notebook.tables]
    parts += [name.split(".") for name in _volumes(found)]
    catalogs = Counter(each[0] for each in parts if len(each) == 3)
    catalog = variables.get("catalog") or widgets.get("catalog")
    reason = "the bundle's or a widget's default"
    if not catalog and catalogs:
        catalog, reason = max(sorted(catalogs), key=lambda name: catalogs[name]), "the one that notebooks name most"
    if catalog:
        made.put(("databricks", "catalog"), catalog, reason)
    for other in sorted(set(catalogs) - {catalog}):
        made.ask(f"a sandbox has one catalog, and notebooks name {other} too", "", "its tables cannot be used")
    first = variables.get("schema") or widgets.get("schema")
    used = Counter(each[-2] for each in parts if len(each) == 2 or each[0] == catalog)
    schemas = list(dict.fromkeys([*([first] if first else []), *sorted(used, key=lambda name: (-used[name], name))]))
    if schemas:
        made.put(("databricks", "schemas"), schemas, "the first one is that of names without a schema")
    elif found.notebooks:
        made.ask("catalog and schema of the tables", "", "set databricks.catalog and databricks.schemas")


def secrets(found: Findings, made: Draft) -> None:
    """Every secret that a notebook reads; its value is never in a repository."""
    for name, item in first_by_name(each for notebook in found.notebooks for each in notebook.secrets).items():
        scope, _, key = name.partition("/")
        made.put(("databricks", "secrets", scope, key), PLACEHOLDER, str(item.place))
        made.ask(
            f"a value for the secret {name}", item.place, f"fill in databricks.secrets.{scope}.{key}, not the real one"
        )
