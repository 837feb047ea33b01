"""Unity Catalog, read only: catalogs, schemas, volumes, and the tables that lie in the warehouse folder."""

from __future__ import annotations

from pathlib import Path

from sandbox.databricks_stub.context import Call
from sandbox.databricks_stub.errors import ApiError
from sandbox.databricks_stub.schemas import Json
from sandbox.databricks_stub.settings import Volume
from sandbox.databricks_stub.user import USER

METASTORE_ID = "00000000-0000-0000-0000-000000000000"


def catalogs(call: Call) -> Json:
    """The one catalog."""
    return {"catalogs": [_catalog(call)]}


def catalog(call: Call) -> Json:
    """One catalog by name."""
    return _catalog(call) if call.path_values["name"] == call.services.settings.catalog else _missing("Catalog", call)


def schemas(call: Call) -> Json:
    """The schemas of a catalog."""
    if call.required_text("catalog_name") != call.services.settings.catalog:
        raise _no_such("Catalog", call.text("catalog_name"))
    return {"schemas": [_schema(call, name) for name in _schema_names(call)]}


def schema(call: Call) -> Json:
    """One schema by its full name."""
    catalog_name, _, name = call.path_values["name"].partition(".")
    known = catalog_name == call.services.settings.catalog and name in _schema_names(call)
    return _schema(call, name) if known else _missing("Schema", call)


def tables(call: Call) -> Json:
    """The Delta tables of a schema."""
    if call.required_text("catalog_name") != call.services.settings.catalog:
        raise _no_such("Catalog", call.text("catalog_name"))
    name = call.required_text("schema_name")
    if name not in _schema_names(call):
        raise _no_such("Schema", f"{call.text('catalog_name')}.{name}")
    folder = _schema_folder(call, name)
    found = sorted(item for item in folder.iterdir() if _is_table(item)) if folder.is_dir() else []
    return {"tables": [_table(call, name, item) for item in found]} if found else {}


def table(call: Call) -> Json:
    """One table by its full name."""
    catalog_name, _, rest = call.path_values["name"].partition(".")
    schema_name, _, name = rest.partition(".")
    folder = _schema_folder(call, schema_name) / name
    known = catalog_name == call.services.settings.catalog and schema_name in _schema_names(call) and _is_table(folder)
    return _table(call, schema_name, folder) if known else _missing("Table", call)


def volumes(call: Call) -> Json:
    """The volumes of a schema."""
    prefix = f"{call.required_text('catalog_name')}.{call.required_text('schema_name')}."
    found = [volume for volume in call.services.settings.volumes if volume.name.startswith(prefix)]
    return {"volumes": [_volume(volume) for volume in found]} if found else {}


def volume(call: Call) -> Json:
    """One volume by its full name."""
    for item in call.services.settings.volumes:
        if item.name == call.path_values["name"]:
            return _volume(item)
    return _missing("Volume", call)


def _catalog(call: Call) -> Json:
    name = call.services.settings.catalog
    return {
        "name": name,
        "full_name": name,
        "catalog_type": "MANAGED_CATALOG",
        "owner": USER,
        "metastore_id": METASTORE_ID,
    }


def _schema_names(call: Call) -> list[str]:
    root = call.services.settings.warehouse_dir / call.services.settings.catalog
    made = {item.name for item in root.iterdir() if item.is_dir()} if root.is_dir() else set()
    return sorted(made | set(call.services.settings.schemas))


def _schema(call: Call, name: str) -> Json:
    catalog_name = call.services.settings.catalog
    return {"name": name, "catalog_name": catalog_name, "full_name": f"{catalog_name}.{name}", "owner": USER}


def _schema_folder(call: Call, name: str) -> Path:
    return call.services.settings.warehouse_dir / name


def _is_table(folder: Path) -> bool:
    return (folder / "_delta_log").is_dir()


def _table(call: Call, schema_name: str, folder: Path) -> Json:
    catalog_name = call.services.settings.catalog
    return {
        "name": folder.name,
        "catalog_name": catalog_name,
        "schema_name": schema_name,
        "full_name": f"{catalog_name}.{schema_name}.{folder.name}",
        "table_type": "MANAGED",
        "data_source_format": "DELTA",
        "storage_location": folder.as_uri(),
        "owner": USER,
    }


def _volume(volume: Volume) -> Json:
    catalog_name, schema_name, name = volume.name.split(".")
    return {
        "name": name,
        "catalog_name": catalog_name,
        "schema_name": schema_name,
        "full_name": volume.name,
        "volume_type": "EXTERNAL",
        "storage_location": volume.location,
        "owner": USER,
    }


def _no_such(kind: str, name: str) -> ApiError:
    return ApiError(404, f"{kind.upper()}_DOES_NOT_EXIST", f"{kind} '{name}' does not exist.")


def _missing(kind: str, call: Call) -> Json:
    raise _no_such(kind, call.path_values["name"])
