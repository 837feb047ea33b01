"""Unity Catalog, read only: catalogs, schemas, volumes, and the tables and views that the warehouse knows."""

from __future__ import annotations

import re

from sandbox.databricks_stub.context import Call
from sandbox.databricks_stub.errors import ApiError
from sandbox.databricks_stub.kernel.warehouse import Entry, Name
from sandbox.databricks_stub.schemas import Json
from sandbox.databricks_stub.settings import Volume
from sandbox.databricks_stub.user import USER

METASTORE_ID = "00000000-0000-0000-0000-000000000000"
PROVIDER = re.compile(r"\bUSING (\w+)")
"""Of the statement by which a session learns of an external table."""


def catalogs(call: Call) -> Json:
    """The one catalog."""
    return {"catalogs": [_catalog(call)]}


def catalog(call: Call) -> Json:
    """One catalog by name."""
    return _catalog(call) if call.path_values["name"] == call.services.settings.catalog else _missing("Catalog", call)


def schemas(call: Call) -> Json:
    """The schemas of a catalog."""
    if not _same(call.required_text("catalog_name"), call.services.settings.catalog):
        raise _no_such("Catalog", call.text("catalog_name"))
    return {"schemas": [_schema(call, name) for name in _schema_names(call)]}


def schema(call: Call) -> Json:
    """One schema by its full name."""
    catalog_name, _, wanted = call.path_values["name"].partition(".")
    name = next((name for name in _schema_names(call) if _same(name, wanted)), None)
    if not _same(catalog_name, call.services.settings.catalog) or name is None:
        return _missing("Schema", call)
    return _schema(call, name)


def tables(call: Call) -> Json:
    """The tables and views of a schema."""
    if not _same(call.required_text("catalog_name"), call.services.settings.catalog):
        raise _no_such("Catalog", call.text("catalog_name"))
    wanted = call.required_text("schema_name")
    if not any(_same(name, wanted) for name in _schema_names(call)):
        raise _no_such("Schema", f"{call.text('catalog_name')}.{wanted}")
    entries = call.services.warehouse.snapshot().entries
    found = sorted(item for item in entries.items() if _same(item[0][0], wanted))
    return {"tables": [_table(call, *item) for item in found]} if found else {}


def table(call: Call) -> Json:
    """One table or view by its full name."""
    catalog_name, _, wanted = call.path_values["name"].partition(".")
    entries = call.services.warehouse.snapshot().entries
    found = next((item for item in entries.items() if _same(".".join(item[0]), wanted)), None)
    if not _same(catalog_name, call.services.settings.catalog) or found is None:
        return _missing("Table", call)
    return _table(call, *found)


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


def _same(name: str, other: str) -> bool:
    # Documented: https://docs.databricks.com/sql/language-manual/sql-ref-names - names of objects have no case
    return name.lower() == other.lower()


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
    return sorted({*call.services.warehouse.snapshot().schemas, *call.services.settings.schemas})


def _schema(call: Call, name: str) -> Json:
    catalog_name = call.services.settings.catalog
    return {"name": name, "catalog_name": catalog_name, "full_name": f"{catalog_name}.{name}", "owner": USER}


def _table(call: Call, name: Name, entry: Entry) -> Json:
    settings = call.services.settings
    schema_name, table_name = name
    answer: Json = {
        "name": table_name,
        "catalog_name": settings.catalog,
        "schema_name": schema_name,
        "full_name": f"{settings.catalog}.{schema_name}.{table_name}",
        "owner": USER,
    }
    if entry.is_view:
        return answer | {"table_type": "VIEW"}
    if entry.is_managed:
        # not the warehouse's own root, which may be a link in the temporary folder
        location = (settings.warehouse_dir / schema_name / table_name).as_uri()
        return answer | {"table_type": "MANAGED", "data_source_format": "DELTA", "storage_location": location}
    provider = PROVIDER.search(entry.statement)
    return answer | {
        "table_type": "EXTERNAL",
        "data_source_format": provider[1].upper() if provider else "DELTA",
        "storage_location": f"file://{entry.location}" if entry.location.startswith("/") else entry.location,
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
