"""The workspace's tree: folders, and the notebooks and files that clients import."""

from __future__ import annotations

import base64
import binascii
from pathlib import PurePosixPath

from sandbox.databricks_stub.context import Call
from sandbox.databricks_stub.errors import invalid_parameter, not_found
from sandbox.databricks_stub.schemas import Json
from sandbox.databricks_stub.store.objects import WorkspaceObject

LANGUAGES = {".py": "PYTHON", ".sql": "SQL", ".ipynb": "PYTHON"}
# Documented: https://docs.databricks.com/notebooks/notebook-export-import - this first line makes a file a notebook.
NOTEBOOK_MARKS = (b"# Databricks notebook source", b"-- Databricks notebook source")


def get_status(call: Call) -> Json:
    """What lies at a path."""
    return _object_json(_find(call, call.required_text("path")))


def list_objects(call: Call) -> Json:
    """What lies in a folder."""
    found = call.services.workspace.objects.children(call.required_text("path"))
    return {"objects": [_object_json(item) for item in found]} if found else {}


def mkdirs(call: Call) -> Json:
    """Make a folder and those above it."""
    call.services.workspace.objects.mkdirs(call.required_text("path"))
    return {}


def import_object(call: Call) -> Json:
    """Keep a notebook or a file given in base64."""
    path = call.required_text("path")
    try:
        content = base64.b64decode(call.text("content"), validate=True)
    except (binascii.Error, ValueError):
        raise invalid_parameter("content must be base64") from None
    given = call.text("format", "SOURCE")
    suffix = PurePosixPath(path).suffix
    notebook = content.startswith(NOTEBOOK_MARKS) or suffix == ".ipynb"
    match given:
        case "SOURCE":
            language: str | None = call.text("language") or LANGUAGES.get(suffix)
            if language is None:
                raise invalid_parameter("language is required with format SOURCE")
            kept, kind, target = "SOURCE", "NOTEBOOK", path
        case "JUPYTER":
            kept, kind, target, language = "JUPYTER", "NOTEBOOK", path, "PYTHON"
        case "AUTO" if notebook:
            kept, kind, target = "JUPYTER" if suffix == ".ipynb" else "SOURCE", "NOTEBOOK", path.removesuffix(suffix)
            language = LANGUAGES.get(suffix, "PYTHON")
        case "AUTO" | "RAW":
            kept, kind, target, language = "RAW", "FILE", path, None
        case _:
            raise invalid_parameter(f"format {given} is not supported here; use SOURCE, JUPYTER, AUTO or RAW")
    call.services.workspace.objects.put(
        target, kind, content, language=language, source_format=kept, overwrite=call.flag("overwrite")
    )
    return {}


def export_object(call: Call) -> Json:
    """A notebook or a file as it was imported, in base64."""
    path = call.required_text("path")
    found = _find(call, path)
    if found.object_type == "DIRECTORY":
        raise invalid_parameter(f"Path ({path}) is a folder; export notebooks and files one by one.")
    content = base64.b64encode(call.services.workspace.objects.content(path)).decode()
    return {"content": content, "file_type": ".ipynb" if found.format == "JUPYTER" else ".py"}


def delete(call: Call) -> Json:
    """Remove an object."""
    call.services.workspace.objects.delete(call.required_text("path"), recursive=call.flag("recursive"))
    return {}


def _find(call: Call, path: str) -> WorkspaceObject:
    found = call.services.workspace.objects.find(path)
    if found is None:
        raise not_found(f"Path ({path}) doesn't exist.")
    return found


def _object_json(item: WorkspaceObject) -> Json:
    answer: Json = {
        "path": item.path,
        "object_id": item.object_id,
        "resource_id": str(item.object_id),
        "object_type": item.object_type,
        "created_at": item.created_time,
        "modified_at": item.modified_time,
    }
    return answer | ({"language": item.language} if item.language else {})
