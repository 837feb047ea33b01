"""The workspace's tree: folders, and the notebooks and files that clients import."""

from __future__ import annotations

import base64
import binascii
from pathlib import PurePosixPath

from sandbox.databricks_stub.context import Call
from sandbox.databricks_stub.errors import invalid_parameter, not_found
from sandbox.databricks_stub.notebook_formats import jupyter_of, source_of
from sandbox.databricks_stub.notebook_source import LANGUAGE_OF_SUFFIX, NotANotebook
from sandbox.databricks_stub.schemas import Json
from sandbox.databricks_stub.store.objects import WorkspaceObject

EXPORT_FORMATS = ("SOURCE", "JUPYTER", "AUTO", "RAW")
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
    """A notebook in source format or as .ipynb, or a file, in base64."""
    path = call.required_text("path")
    found = _find(call, path)
    if found.object_type == "DIRECTORY":
        raise invalid_parameter(f"Path ({path}) is a folder; export notebooks and files one by one.")
    wanted = call.text("format", "SOURCE") or "SOURCE"
    if wanted not in EXPORT_FORMATS:
        raise invalid_parameter(f"format {wanted} is not supported here; use {', '.join(EXPORT_FORMATS)}")
    content = call.services.workspace.objects.content(path)
    # Documented: https://docs.databricks.com/api/workspace/workspace/export - AUTO follows the object's type.
    if found.object_type == "FILE" and wanted == "JUPYTER":
        raise invalid_parameter(f"Path ({path}) is a file and no notebook; export it with format AUTO.")
    if found.object_type == "NOTEBOOK" and wanted in {"SOURCE", "JUPYTER"} and wanted != found.format:
        content, suffix = _converted(found, content, wanted)
    else:
        suffix = found.suffix
    # Assumed: the documentation calls file_type the type of the exported file; it is the extension without its dot.
    return {"content": base64.b64encode(content).decode(), "file_type": suffix.removeprefix(".")}


def _converted(item: WorkspaceObject, content: bytes, wanted: str) -> tuple[bytes, str]:
    try:
        text = content.decode("utf-8-sig")
        if wanted == "SOURCE":
            source, suffix = source_of(text, item.path)
            return source.encode(), suffix
        if item.suffix not in LANGUAGE_OF_SUFFIX:
            raise NotANotebook(f"{item.path} is a notebook in {item.language}")
        return jupyter_of(text, item.suffix, item.path).encode(), ".ipynb"
    except (NotANotebook, UnicodeDecodeError) as error:
        raise invalid_parameter(
            f"Path ({item.path}) cannot be exported with format {wanted}: {error}; use format AUTO to get it as it is."
        ) from error


def delete(call: Call) -> Json:
    """Remove an object."""
    call.services.workspace.objects.delete(call.required_text("path"), recursive=call.flag("recursive"))
    call.services.git_folders.sweep()  # a repository may have been among what was removed
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
