"""Jobs from databricks.yml: includes, targets, references, errors with their place, and reading again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from sandbox.databricks_stub.bundle import BundleError, BundleWatcher
from sandbox.databricks_stub.bundle.load import Bundle, job_id_of, load

BUNDLE = """
bundle:
  name: demo
include: [resources/*.yml]
variables:
  bucket: {default: raw}
  folder: {default: "${var.bucket}/in"}
  needed: {description: no default}
resources:
  jobs:
    first:
      name: first-${bundle.target}
      parameters:
        - {name: folder, default: "${var.folder}"}
        - {name: other, default: "${resources.jobs.second.id}"}
      tasks:
        - task_key: a
          notebook_task: {notebook_path: ./notebooks/a.py, base_parameters: {me: "${workspace.current_user.userName}"}}
targets:
  local:
    default: true
  prod:
    mode: production
    variables: {bucket: prod-raw}
    resources:
      jobs:
        first:
          max_concurrent_runs: 4
          tasks:
            - {task_key: a, max_retries: 3}
            - {task_key: b, notebook_task: {notebook_path: notebooks/b}, depends_on: [{task_key: a}]}
  dev:
    mode: development
"""
SECOND = """
resources:
  jobs:
    second:
      name: second
      tasks: [{task_key: a, notebook_task: {notebook_path: ../notebooks/a.ipynb}}]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a bundle of two files."""
    (tmp_path / "resources").mkdir()
    (tmp_path / "databricks.yml").write_text(BUNDLE)
    (tmp_path / "resources" / "second.yml").write_text(SECOND)
    return tmp_path


def loaded(project: Path, target: str = "local", **environ: str) -> Bundle:
    """The bundle of the project."""
    return load(project / "databricks.yml", target, host="http://127.0.0.1:1", environ=environ)


def test_references_are_replaced(project: Path) -> None:
    """Variables (also in variables), the target, the user and ids of other jobs."""
    job = loaded(project).jobs["first"]

    assert job.settings["name"] == "first-local"
    assert job.settings["parameters"] == [
        {"name": "folder", "default": "raw/in"},
        {"name": "other", "default": job_id_of("demo", "local", "second")},
    ]
    body = job.settings["tasks"][0]["notebook_task"]
    assert body["base_parameters"] == {"me": "sandbox@example.com"}


def test_notebook_paths_are_deployed_relative_to_their_file(project: Path) -> None:
    """A notebook of an included file lies beside that file, and loses its suffix as on deployment."""
    bundle = loaded(project)

    expected = "/Workspace/Users/sandbox@example.com/.bundle/demo/local/files/notebooks/a"
    assert [job.settings["tasks"][0]["notebook_task"]["notebook_path"] for job in bundle.jobs.values()] == [
        expected
    ] * 2


def test_a_target_is_laid_over_the_rest(project: Path) -> None:
    """Scalars are replaced, tasks merged by key, variables set; ids differ per target."""
    job = loaded(project, "prod").jobs["first"]

    assert job.settings["max_concurrent_runs"] == 4
    assert [task["task_key"] for task in job.settings["tasks"]] == ["a", "b"]
    assert job.settings["tasks"][0]["max_retries"] == 3
    assert job.settings["parameters"][0]["default"] == "prod-raw/in"
    assert job.job_id != loaded(project).jobs["first"].job_id


def test_development_mode_marks_the_names(project: Path) -> None:
    """As a deployment does."""
    assert loaded(project, "dev").jobs["second"].settings["name"] == "[dev sandbox] second"


def test_variables_can_come_from_the_environment(project: Path) -> None:
    """BUNDLE_VAR_<name> wins."""
    job = loaded(project, "prod", BUNDLE_VAR_bucket="mine").jobs["first"]

    assert job.settings["parameters"][0]["default"] == "mine/in"


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        (
            "name: first-${bundle.target}",
            "name: ${var.needed}",
            "databricks.yml:12:13",
            "variable 'needed' has no value",
        ),
        ("name: first-${bundle.target}", "name: ${nothing.here}", "databricks.yml:12:13", "cannot be resolved"),
        ("${resources.jobs.second.id}", "${resources.jobs.third.id}", "databricks.yml:15:34", "no job 'third'"),
        ("- task_key: a", "- tusk_key: a", "databricks.yml:12:7", "task 1 has no task_key"),
        ("./notebooks/a.py", "../../a.py", "databricks.yml:18:42", "leads out of the bundle's folder"),
        ("bucket: {default: raw}", "bucket: {default: '${var.folder}'}", "databricks.yml:6:21", "in a circle"),
        ("  name: demo", "  name: demo\n  name: two", "databricks.yml:4:3", "key 'name' is set twice"),
        ("bundle:", "bundle: [", "databricks.yml:", "expected"),
        ("  local:", "  other:", "databricks.yml:20:3", "no target 'local'"),
    ],
)
def test_mistakes_are_told_with_their_place(project: Path, old: str, new: str, place: str, words: str) -> None:
    """File, line and column, then what is wrong."""
    assert old in BUNDLE
    (project / "databricks.yml").write_text(BUNDLE.replace(old, new))

    with pytest.raises(BundleError) as error:
        loaded(project)

    assert words in str(error.value)
    assert str(error.value).startswith(place)


def test_a_mistake_in_an_included_file_names_that_file(project: Path) -> None:
    """Its path is relative to the bundle."""
    (project / "resources" / "second.yml").write_text("resources:\n  jobs: {second: {tasks: [{task_key: a}]}}\n")

    with pytest.raises(BundleError, match=r"^resources/second\.yml:2:.*must have exactly one of notebook_task"):
        loaded(project)


class Watched:
    """A watcher over a project."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.watcher = BundleWatcher(project / "databricks.yml", "local", host="http://127.0.0.1:1", environ={})
        self._stamp = 1_000_000_000

    def write(self, name: str, text: str) -> None:
        """Save a file at a later time than before, whatever the file system's clock."""
        path = self.project / name
        path.write_text(text)
        self._stamp += 1
        for changed in (path, path.parent):
            os.utime(changed, ns=(self._stamp * 10**9, self._stamp * 10**9))

    def names(self) -> list[Any]:
        """The names of the present jobs."""
        return [job.settings["name"] for job in self.watcher.current().jobs.values()]


def test_an_edit_is_seen_at_once(project: Path) -> None:
    """Also of an included file, and of one that did not exist before."""
    watched = Watched(project)
    assert watched.names() == ["first-local", "second"]

    watched.write("databricks.yml", BUNDLE.replace("first-$", "edited-$"))
    watched.write("resources/third.yml", SECOND.replace("second", "third"))

    assert watched.names() == ["edited-local", "second", "third"]


def test_a_broken_bundle_keeps_its_last_good_jobs(project: Path) -> None:
    """And is good again as soon as the file is."""
    watched = Watched(project)
    watched.names()

    watched.write("databricks.yml", "bundle: [")
    broken = watched.watcher.current()
    watched.write("databricks.yml", BUNDLE)

    assert broken.error is not None
    assert len(broken.jobs) == 2
    assert watched.watcher.current().error is None


def test_a_missing_bundle_that_is_named_says_so(tmp_path: Path) -> None:
    """And nothing else happens."""
    snapshot = BundleWatcher(tmp_path / "databricks.yml", "local", host="", environ={}).current()

    assert "databricks.yml: cannot be read" in str(snapshot.error)


def test_a_project_may_have_no_bundle(project: Path) -> None:
    """None is no error, one that appears is read at once, and one that vanishes is missed."""
    file = project / "databricks.yml"
    text = file.read_text()
    file.unlink()
    watcher = BundleWatcher(file, "local", host="http://127.0.0.1:1", environ={}, required=False)

    none = watcher.current()
    file.write_text(text)
    some = watcher.current()
    file.unlink()
    gone = watcher.current()

    assert (none.error, len(none.jobs)) == (None, 0)
    assert (some.error, len(some.jobs)) == (None, 2)
    assert "databricks.yml: cannot be read" in str(gone.error)
    assert len(gone.jobs) == 2


def test_references_to_other_resources_and_into_variables(tmp_path: Path) -> None:
    """A field of another resource, its id, the repository, a field of a complex variable."""
    path = tmp_path / "databricks.yml"
    path.write_text(
        """
bundle: {name: b, git: {branch: main}}
variables:
  schema: {default: {name: gold, owner: me}}
resources:
  schemas:
    mine: {catalog_name: projects, name: "${var.schema.name}"}
  pipelines:
    flow: {name: flow}
  jobs:
    one:
      name: "${resources.schemas.mine.name}-${bundle.git.branch}-${bundle.git.commit}"
      tasks:
        - task_key: a
          pipeline_task: {pipeline_id: "${resources.pipelines.flow.id}"}
"""
    )

    (job,) = load(path, "local", host="", environ={}).jobs.values()

    assert job.settings["name"] == "gold-main-"
    assert job.settings["tasks"][0]["pipeline_task"]["pipeline_id"].isdigit()


@pytest.mark.parametrize(
    "reference", ["resources.schemas.none.name", "resources.schemas.mine.none", "resources.jobs.none.id", "var.x.none"]
)
def test_references_to_nothing_are_errors(tmp_path: Path, reference: str) -> None:
    """With the place where they stand."""
    path = tmp_path / "databricks.yml"
    path.write_text(
        "bundle: {name: b}\nvariables: {x: {default: {y: 1}}}\nresources:\n  schemas: {mine: {name: s}}\n"
        f"  jobs:\n    one:\n      name: ${{{reference}}}\n"
    )

    with pytest.raises(BundleError, match=r"databricks\.yml:7:13"):
        load(path, "local", host="", environ={})


def test_variables_that_look_something_up_have_an_id(tmp_path: Path) -> None:
    """By name: one name has one id, an override of the target and the environment win."""
    path = tmp_path / "databricks.yml"
    path.write_text(
        """
bundle: {name: b}
variables:
  shared: {lookup: {warehouse: Shared}}
  same: {lookup: {warehouse: Shared}}
  other: {lookup: {warehouse: Other}}
  fixed: {lookup: {cluster: Mine}}
resources:
  jobs:
    one:
      tags: {shared: "${var.shared}", same: "${var.same}", other: "${var.other}", fixed: "${var.fixed}"}
      tasks: [{task_key: a, sql_task: {warehouse_id: "${var.shared}", file: {path: a.sql}}}]
targets:
  local: {variables: {fixed: "0123", other: {lookup: {warehouse: Third}}}}
"""
    )

    (job,) = load(path, "local", host="", environ={}).jobs.values()
    (changed,) = load(path, "local", host="", environ={"BUNDLE_VAR_other": "mine"}).jobs.values()

    tags = job.settings["tags"]
    assert tags["shared"].isdigit()
    assert tags["same"] == tags["shared"] == job.settings["tasks"][0]["sql_task"]["warehouse_id"]
    assert tags["other"] not in (tags["shared"], changed.settings["tags"]["other"])
    assert (tags["fixed"], changed.settings["tags"]["other"]) == ("0123", "mine")


def test_the_prefix_of_names_may_refer_to_values(tmp_path: Path) -> None:
    """Names of jobs are what DAGs ask for."""
    path = tmp_path / "databricks.yml"
    path.write_text(
        "bundle: {name: b}\nresources:\n  jobs:\n"
        "    one: {name: load, tasks: [{task_key: a, notebook_task: {notebook_path: a}}]}\n"
        'targets:\n  local: {presets: {name_prefix: "${bundle.target}_${workspace.current_user.short_name}_"}}\n'
    )

    (job,) = load(path, "local", host="", environ={}).jobs.values()

    assert job.settings["name"] == "local_sandbox_load"
