"""The workspace's tree, the sources of notebooks, Unity Catalog reads, identity."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.databricks_stub.kernel.warehouse import Warehouse
from tests.unit.databricks_stub.fakes import NOTEBOOK, Harness


def imported(harness: Harness, path: str, text: str, **fields: Any) -> None:
    """Import a text."""
    harness.post("/2.0/workspace/import", path=path, content=base64.b64encode(text.encode()).decode(), **fields)


def notebook_run(harness: Harness, path: str) -> dict[str, Any]:
    """A run of that notebook, ended."""
    return harness.ended(harness.submit({"task_key": "a", "notebook_task": {"notebook_path": path}}))


def test_a_notebook_is_imported_listed_exported_and_deleted(harness: Harness) -> None:
    """With and without the prefix /Workspace it is the same."""
    imported(harness, "/Workspace/Users/me/folder/one.py", NOTEBOOK, format="AUTO")

    status = harness.get("/2.0/workspace/get-status", path="/Users/me/folder/one")
    listed = harness.get("/2.0/workspace/list", path="/Users/me/folder/")
    content = harness.get("/2.0/workspace/export", path="/Workspace/Users/me/folder/one")["content"]
    refused = harness.client.post("/api/2.0/workspace/delete", json={"path": "/Users/me"})
    harness.post("/2.0/workspace/delete", path="/Users/me", recursive=True)
    gone = harness.client.get("/api/2.0/workspace/get-status", params={"path": "/Users/me/folder"})

    assert (status["object_type"], status["language"]) == ("NOTEBOOK", "PYTHON")
    assert [item["path"] for item in listed["objects"]] == ["/Users/me/folder/one"]
    assert base64.b64decode(content).decode() == NOTEBOOK
    assert refused.status_code == 400
    assert (gone.status_code, gone.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_a_file_may_come_as_a_form(harness: Harness) -> None:
    """The SDK for Python uploads so; the content keeps every byte."""
    content = b"# Databricks notebook source\n\r\n\x00\xff--x"
    fields = {"path": "/Shared/up.py", "format": "AUTO", "overwrite": "true"}

    answer = harness.client.post("/api/2.0/workspace/import", data=fields, files={"content": content})

    assert answer.status_code == 200, answer.text
    kept = harness.get("/2.0/workspace/export", path="/Shared/up")["content"]
    assert base64.b64decode(kept) == content


def exported(harness: Harness, path: str, **params: str) -> tuple[str, str]:
    """The content and the file_type of an export."""
    answer = harness.get("/2.0/workspace/export", path=path, **params)
    return base64.b64decode(answer["content"]).decode(), answer["file_type"]


def test_a_notebook_is_exported_in_the_format_that_is_asked_for(harness: Harness) -> None:
    """Source format unless asked otherwise, in whatever format it was imported; AUTO gives that one."""
    source = NOTEBOOK + "x = 1\n"
    imported(harness, "/Shared/one", source, format="SOURCE", language="PYTHON")
    jupyter, file_type = exported(harness, "/Shared/one", format="JUPYTER")
    imported(harness, "/Shared/two", jupyter, format="JUPYTER")
    imported(harness, "/Shared/three", "-- Databricks notebook source\nSELECT 1\n", format="SOURCE", language="SQL")
    imported(harness, "/Shared/four", "x <- 1", format="SOURCE", language="R")
    imported(harness, "/Shared/file.txt", "text", format="AUTO")

    assert ([cell["source"] for cell in json.loads(jupyter)["cells"]], file_type) == ([["x = 1"]], "ipynb")
    assert exported(harness, "/Shared/one") == exported(harness, "/Shared/two") == (source, "py")
    assert exported(harness, "/Shared/one", format="AUTO") == (source, "py")
    assert exported(harness, "/Shared/two", format="AUTO") == (jupyter, "ipynb")
    assert exported(harness, "/Shared/three")[1] == "sql"
    assert exported(harness, "/Shared/four") == ("x <- 1", "r")
    assert exported(harness, "/Shared/file.txt") == ("text", "txt")


@pytest.mark.parametrize(
    ("path", "given", "words"),
    [
        ("/Shared/one", "HTML", "format HTML is not supported here; use SOURCE, JUPYTER, AUTO, RAW"),
        ("/Shared/one", "DBC", "format DBC is not supported here"),
        ("/Shared/r", "JUPYTER", "cannot be exported with format JUPYTER: /Shared/r is a notebook in R"),
        ("/Shared/broken", "SOURCE", "cannot be exported with format SOURCE: /Shared/broken is no notebook"),
        ("/Shared/file.txt", "JUPYTER", "is a file and no notebook"),
        ("/Shared", "SOURCE", "is a folder"),
    ],
)
def test_an_export_that_cannot_be_made_is_refused(harness: Harness, path: str, given: str, words: str) -> None:
    """Rather than answered in another format."""
    imported(harness, "/Shared/one", NOTEBOOK, format="SOURCE", language="PYTHON")
    imported(harness, "/Shared/r", "x <- 1", format="SOURCE", language="R")
    imported(harness, "/Shared/broken", "{", format="JUPYTER")
    imported(harness, "/Shared/file.txt", "text", format="AUTO")

    answer = harness.client.get("/api/2.0/workspace/export", params={"path": path, "format": given})

    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert words in answer.json()["message"]


def test_nothing_is_overwritten_unasked(harness: Harness) -> None:
    """RESOURCE_ALREADY_EXISTS until `overwrite`."""
    imported(harness, "/Shared/one", NOTEBOOK, format="SOURCE", language="PYTHON")
    body = {"path": "/Shared/one", "content": "", "format": "SOURCE", "language": "PYTHON"}

    refused = harness.client.post("/api/2.0/workspace/import", json=body)

    assert refused.json()["error_code"] == "RESOURCE_ALREADY_EXISTS"
    harness.post("/2.0/workspace/import", **body, overwrite=True)


def test_folders_are_made_with_those_above(harness: Harness) -> None:
    """Again is no error; over a notebook it is."""
    harness.post("/2.0/workspace/mkdirs", path="/Shared/a/b/c")
    harness.post("/2.0/workspace/mkdirs", path="/Shared/a/b/c")
    imported(harness, "/Shared/note", NOTEBOOK, format="SOURCE", language="PYTHON")

    over = harness.client.post("/api/2.0/workspace/mkdirs", json={"path": "/Shared/note/x"})

    assert harness.get("/2.0/workspace/get-status", path="/Shared/a/b")["object_type"] == "DIRECTORY"
    assert over.json()["error_code"] == "RESOURCE_ALREADY_EXISTS"


def test_an_imported_notebook_runs_before_one_of_the_project(harness: Harness) -> None:
    """From a copy of what was imported."""
    imported(harness, "/Shared/notebooks/some", "# Databricks notebook source\n1", format="SOURCE", language="PYTHON")

    notebook_run(harness, "/Shared/notebooks/some")

    started = harness.runner.tasks[0]
    assert started.notebook_path.read_text().endswith("source\n1")
    assert started.workspace_path == "/Shared/notebooks/some"


@pytest.mark.parametrize(
    "path",
    [
        "/Workspace/notebooks/some",
        "/Workspace/Users/me@example.com/notebooks/some",
        "/Users/me@example.com/notebooks/some",
        "/Repos/me@example.com/platform/notebooks/some",
        "/Workspace/Shared/notebooks/some.py",
        "notebooks/some",
    ],
)
def test_production_paths_lead_to_the_project(harness: Harness, path: str) -> None:
    """The folders of users, repositories and all users stand for the project's root."""
    notebook_run(harness, path)

    assert harness.runner.tasks[0].notebook_path == harness.settings.project_root / "notebooks" / "some.py"


def test_no_path_leads_out_of_the_project(harness: Harness, tmp_path: Path) -> None:
    """Neither by dots nor by a link."""
    (tmp_path / "outside.py").write_text(NOTEBOOK)
    (harness.settings.project_root / "link.py").symlink_to(tmp_path / "outside.py")

    for path in ("../outside", "/Workspace/../../outside", "notebooks/../../outside"):
        assert notebook_run(harness, path)["state"]["result_state"] == "FAILED"
    assert harness.runner.started == []


def test_two_notebooks_of_one_name_are_told(harness: Harness) -> None:
    """Rather than one chosen."""
    (harness.settings.project_root / "notebooks" / "some.ipynb").write_text("{}")

    run = notebook_run(harness, "/Workspace/notebooks/some")

    assert "is ambiguous" in run["tasks"][0]["state"]["state_message"]


def test_an_edited_notebook_is_what_runs_next(harness: Harness) -> None:
    """Sources are looked up when the task starts: also one that appeared after the run was accepted."""
    harness.runner.hold("first")
    run_id = harness.submit(
        {"task_key": "first", "notebook_task": {"notebook_path": "notebooks/some"}},
        {
            "task_key": "late",
            "notebook_task": {"notebook_path": "notebooks/late"},
            "depends_on": [{"task_key": "first"}],
        },
    )
    (harness.settings.project_root / "notebooks" / "late.py").write_text(NOTEBOOK)

    harness.runner.release("first")

    assert harness.results(run_id) == {"first": "SUCCESS", "late": "SUCCESS"}


def warehouse_of(harness: Harness) -> Warehouse:
    """The warehouse as a notebook's session has it."""
    return Warehouse(harness.settings.warehouse_dir)


def test_unity_catalog_lists_what_the_warehouse_holds(harness: Harness) -> None:
    """Schemas that a notebook made, managed and external tables, and views; what is no Delta table is none."""
    warehouse = warehouse_of(harness)
    warehouse.make_schema("silver")
    log = harness.settings.warehouse_dir / "silver" / "raw posts" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").touch()
    (harness.settings.warehouse_dir / "silver" / "no_table").mkdir()
    warehouse.add_view(("silver", "a_view"), "CREATE VIEW {name} AS SELECT 1", current_schema="silver")
    warehouse.add_table(("silver", "far"), "CREATE TABLE {name} USING csv LOCATION 's3a://b/c'", location="s3a://b/c")
    warehouse.add_table(("silver", "near"), "CREATE TABLE {name} USING delta LOCATION '/x'", location="/x")

    schemas = harness.get("/2.1/unity-catalog/schemas", catalog_name="projects")["schemas"]
    tables = harness.get("/2.1/unity-catalog/tables", catalog_name="projects", schema_name="silver")["tables"]
    single = [harness.get(f"/2.1/unity-catalog/tables/{table['full_name']}") for table in tables]

    assert [schema["name"] for schema in schemas] == ["default", "silver"]
    assert harness.get("/2.1/unity-catalog/schemas/projects.silver")["full_name"] == "projects.silver"
    assert harness.get("/2.1/unity-catalog/schemas/Projects.SILVER")["full_name"] == "projects.silver"
    assert [harness.get(f"/2.1/unity-catalog/tables/{table['full_name'].upper()}") for table in tables] == tables
    assert [
        (table["full_name"], table["table_type"], table.get("data_source_format"), table.get("storage_location"))
        for table in tables
    ] == [
        ("projects.silver.a_view", "VIEW", None, None),
        ("projects.silver.far", "EXTERNAL", "CSV", "s3a://b/c"),
        ("projects.silver.near", "EXTERNAL", "DELTA", "file:///x"),
        ("projects.silver.raw posts", "MANAGED", "DELTA", log.parent.as_uri()),
    ]
    assert single == tables
    assert harness.get("/2.1/unity-catalog/tables", catalog_name="projects", schema_name="default") == {}


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("tables/projects.default.nothing", {}, "TABLE_DOES_NOT_EXIST"),
        ("tables/other.silver.one", {}, "TABLE_DOES_NOT_EXIST"),
        ("tables/projects", {}, "TABLE_DOES_NOT_EXIST"),
        ("tables", {"catalog_name": "projects", "schema_name": "gold"}, "SCHEMA_DOES_NOT_EXIST"),
        ("schemas/projects.gold", {}, "SCHEMA_DOES_NOT_EXIST"),
        ("volumes/projects.default.nothing", {}, "VOLUME_DOES_NOT_EXIST"),
    ],
)
def test_what_unity_catalog_does_not_have(harness: Harness, path: str, params: dict[str, str], code: str) -> None:
    """404 with a code of its own."""
    log = harness.settings.warehouse_dir / "silver" / "one" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").touch()

    answer = harness.client.get(f"/api/2.1/unity-catalog/{path}", params=params)

    assert (answer.status_code, answer.json()["error_code"]) == (404, code)


def test_volumes_are_those_of_the_settings(harness: Harness) -> None:
    """With their location."""
    volume = harness.get("/2.1/unity-catalog/volumes/projects.default.my_volume")

    assert volume["storage_location"] == "s3://bucket/raw/"


def test_who_and_where_one_is(harness: Harness) -> None:
    """What the SDKs and the provider's test of a connection ask."""
    assert harness.get("/2.0/preview/scim/v2/Me")["userName"] == "sandbox@example.com"
    assert harness.get("/2.1/clusters/spark-versions")["versions"]
    assert harness.get("/2.0/clusters/get", cluster_id="x")["state"] == "RUNNING"
    assert "workspace_id" in harness.client.get("/.well-known/databricks-config").json()
