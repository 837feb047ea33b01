"""What is registered in the code stands in the page that lists it."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
import yaml

from sandbox.airflow_launcher.config import COMPONENTS
from sandbox.backends import BACKENDS
from sandbox.backends.process_environment import FOREIGN_PREFIXES
from sandbox.cli.env import variables
from sandbox.config.load import OTHER_VARIABLES
from sandbox.databricks_stub.jobspec import TASK_KINDS
from sandbox.databricks_stub.kernel import dbutils, dbutils_fs, magics
from sandbox.databricks_stub.notebook_source import HEADER, WHOLE_CELL
from sandbox.databricks_stub.routes import ROUTES, Route
from sandbox.matrix.model import load as load_matrix
from sandbox.runtimes.registry import RUNTIMES
from sandbox.services import SERVICES
from sandbox.services.airflow_row import DEVELOPMENT
from tests.docs.pages import REPOSITORY, text
from tests.docs.settings_table import PAGE, fields, with_tables

ARCHITECTURE = "docs/architecture.md"
DATABRICKS = "docs/databricks.md"
DBUTILS = {
    "dbutils.widgets": dbutils.Widgets,
    "dbutils.notebook": dbutils.Notebook,
    "dbutils.fs": dbutils_fs.FileSystem,
    "dbutils.secrets": dbutils.Secrets,
    "dbutils.jobs.taskValues": dbutils.TaskValues,
    "dbutils.library": dbutils.Library,
}


def row(page: str, start: str) -> str:
    """The row of a table whose first cell is this."""
    found = re.search(rf"^\| `?{re.escape(start)}`? \|.*$", text(page), re.MULTILINE)
    assert found, f"{page} has no row for {start}"
    return found[0]


def test_the_tables_of_the_settings_are_current() -> None:
    """docs/configuration.md has what `python -m tests.docs.settings_table` would write."""
    page = PAGE.read_text("utf-8")

    assert with_tables(page) == page


@pytest.mark.parametrize("name", [name for name, _ in fields()])
def test_every_setting_is_listed(name: str) -> None:
    """Each setting has its row."""
    assert row("docs/configuration.md", name)


def test_every_other_variable_is_listed() -> None:
    """SANDBOX_* variables that are no settings are explained, and so is what does not reach the services."""
    page = text("docs/configuration.md")

    assert all(f"`{name}`" in page for name in (*OTHER_VARIABLES, *FOREIGN_PREFIXES))


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_listed(name: str) -> None:
    """Each service has its row with title, runtimes, port setting and logs."""
    listed = row(ARCHITECTURE, name)
    service = SERVICES[name]

    assert service.title in listed
    assert not service.port_setting or f"`{service.port_setting}`" in listed
    assert f"`{name}.log`" in listed
    assert f"`{name}`" in text("docs/commands.md")


def test_every_backend_is_named() -> None:
    """The glossary names the backends."""
    assert all(name in row(ARCHITECTURE, "backend") for name in BACKENDS)


@pytest.mark.parametrize("name", RUNTIMES)
def test_every_runtime_is_listed(name: str) -> None:
    """Each runtime has its row with its Pythons; Airflow's are rows of airflow.md too."""
    spec = RUNTIMES[name]
    shown = spec.pythons[0] if len(spec.pythons) == 1 else f"{spec.pythons[0]} to {spec.pythons[-1]}"

    assert f"\n| `{name}` | {shown} |" in text(ARCHITECTURE)
    assert not spec.is_airflow or f"`{name}`" in text("docs/airflow.md")


def test_every_module_is_in_the_code_map() -> None:
    """Each module and package at the top of the package has its place in the map."""
    code_map = text(ARCHITECTURE).partition("## Code map")[2].partition("\n## ")[0]
    here = [path for path in (REPOSITORY / "sandbox").iterdir() if not path.name.startswith("_")]
    names = [f"{path.name}/" if path.is_dir() else path.name for path in here]

    assert sorted(name for name in names if f"`{name}`" not in code_map) == []


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_endpoint_is_listed(route: Route) -> None:
    """Each route stands in the table of its group."""
    path = re.sub(r":\w+\}", "}", route.path)

    assert f"`{route.method} {path}`" in text(DATABRICKS)


def test_no_endpoint_is_invented() -> None:
    """Each endpoint that the page names is routed."""
    routed = {f"{route.method} {re.sub(r':[a-z]+}', '}', route.path)}" for route in ROUTES}
    named = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`]+)`", text(DATABRICKS)))

    assert named == routed


@pytest.mark.parametrize("name", DBUTILS)
def test_every_function_of_dbutils_is_listed(name: str) -> None:
    """Each public function stands in the row of its object, and no other."""
    functions = {key for key, value in vars(DBUTILS[name]).items() if inspect.isfunction(value) and key[0] != "_"}
    listed = row(DATABRICKS, name).split("|")[2]

    assert functions == set(re.findall(r"`(\w+)`", listed))


@pytest.mark.parametrize("name", sorted({*WHOLE_CELL, "run", "fs", "pip"}))
def test_every_magic_is_listed(name: str) -> None:
    """Each magic has its place in the table."""
    assert f"`%{name}`" in text(DATABRICKS)


def test_formats_and_task_types() -> None:
    """The headers of both source formats and the commands of %fs are named; so are the task types that are executed."""
    page = text(DATABRICKS)
    executed = re.search(r"Executed task types: (.*?)\.", page)

    assert all(f"`{header}`" in page for header in HEADER.values())
    assert all(f"`{command}`" in row(DATABRICKS, "%fs") for command in magics.FS_COMMANDS)
    assert executed
    assert set(re.findall(r"`(\w+)`", executed[1])) <= set(TASK_KINDS)


def test_the_intervals_are_current() -> None:
    """Airflow's options for one developer stand in airflow.md with their values, in order, and no others."""
    listed = text("docs/airflow.md").partition("<!-- intervals:")[2].partition("\n## ")[0]
    options = [
        (name.removeprefix("AIRFLOW__").lower().replace("__", "."), value) for name, value in DEVELOPMENT.items()
    ]

    assert re.findall(r"^\| `(.+?)` \| `(.+?)` \|$", listed, re.MULTILINE) == options


def test_every_component_has_its_log_listed() -> None:
    """The logs of Airflow's components are named."""
    assert all(f"`airflow-{name}.log`" in text("docs/airflow.md") for name in COMPONENTS)


def test_every_variable_of_env_is_listed() -> None:
    """What `sandbox env` prints stands in commands.md."""
    page = text("docs/commands.md")
    printed = re.findall(r'"([A-Z_]{4,})":', inspect.getsource(variables))

    assert printed
    assert all(f"`{name}`" in page for name in printed)


def test_the_job_is_described() -> None:
    """Each task of the bundle's job stands in pipeline.md with its notebook, each job parameter and target too."""
    page = text("docs/pipeline.md")
    bundle = yaml.safe_load((REPOSITORY / "databricks.yml").read_text("utf-8"))
    job = bundle["resources"]["jobs"]["medallion"]
    for task in job["tasks"]:
        notebook = Path(task["notebook_task"]["notebook_path"])
        assert f"| `{task['task_key']}` | `{notebook}` |" in page
    for name in (*(item["name"] for item in job["parameters"]), *bundle["targets"]):
        assert f"`{name}`" in page


def test_the_tables_are_described() -> None:
    """Each table that a notebook makes has its row in pipeline.md."""
    sources = "".join(file.read_text("utf-8") for file in sorted((REPOSITORY / "notebooks").glob("*.py")))
    made = set(re.findall(r'table_name\(catalog, schema, "(\w+)"\)', sources))

    assert len(made) == 7
    assert all(row("docs/pipeline.md", name) for name in made)


def test_the_variables_of_the_pipeline_are_described() -> None:
    """Each Airflow Variable that the ingestion reads has its row, and so has each task and param of the DAG."""
    source = (REPOSITORY / "dags" / "stack_exchange" / "settings.py").read_text("utf-8")
    dag = (REPOSITORY / "dags" / "produce_data_asset.py").read_text("utf-8")
    variables = set(re.findall(r'(?:text|number|get)\("(\w+)"', source))
    params = set(re.findall(r'^\s+"(\w+)": Param', dag, re.MULTILINE))
    tasks = set(re.findall(r"^ *@task\b.*\n *def (\w+)", dag, re.MULTILINE))

    assert variables
    assert params
    assert tasks
    assert all(row("docs/pipeline.md", name) for name in variables | params | tasks)


def test_the_manifest_is_described() -> None:
    """Each field of the manifest and of its files is named."""
    source = (REPOSITORY / "dags" / "stack_exchange" / "snapshots.py").read_text("utf-8")
    described = text("docs/pipeline.md").partition("The manifest:")[2].partition("## Assets")[0]
    names = re.findall(r"^    (\w+): ", source, re.MULTILINE)

    assert names
    assert [name for name in names if f"`{name}`" not in described] == []


def test_every_cell_is_listed() -> None:
    """The table of the cells has each with its groups and its purpose, in order, and no other."""
    listed = re.findall(r"^\| `(airflow[\w.-]+)` \| (.+?) \| (.+?) \|$", text("docs/matrix.md"), re.MULTILINE)
    cells = load_matrix(REPOSITORY / "matrix.toml").cells

    assert listed == [(cell.id, ", ".join(cell.groups), cell.purpose) for cell in cells]


def test_every_decision_is_listed() -> None:
    """The list of decisions names each file once, in order."""
    folder = REPOSITORY / "docs" / "adr"
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", text("docs/adr/README.md"))

    assert listed == sorted(path.name for path in folder.glob("0*.md"))
