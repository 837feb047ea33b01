"""dbutils without a kernel: widgets, secrets, task values, exit, files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sandbox.databricks_stub.kernel.dbutils import DBUtils, NotebookExit, WidgetNotDefined


@pytest.fixture
def dbutils(tmp_path: Path) -> DBUtils:
    request = {
        "parameters": {"day": "given"},
        "secrets": {"s": {"k": "hidden", "empty": ""}},
        "dbfs": str(tmp_path / "dbfs"),
        "task_values": {"before": {"rows": 0}},
        "output_dir": str(tmp_path),
    }
    return DBUtils(
        shell=None,
        namespace={},
        spark=None,
        request=request,
        run_apart=lambda path, arguments, _: f"{path} {arguments}",
    )


def test_a_given_parameter_wins_over_the_default(dbutils: DBUtils) -> None:
    dbutils.widgets.text("day", "default")
    dbutils.widgets.text("other", "default")
    assert dbutils.widgets.getAll() == {"day": "given", "other": "default"}
    with pytest.raises(WidgetNotDefined, match=r"none.*day, other"):
        dbutils.widgets.get("none")


def test_the_older_getter_takes_what_it_gives_for_a_missing_widget(dbutils: DBUtils) -> None:
    assert dbutils.widgets.getArgument("day", "today") == "given"
    assert dbutils.widgets.getArgument("none", "") == ""
    with pytest.raises(WidgetNotDefined):
        dbutils.widgets.getArgument("none")


def test_a_dropdown_has_its_default_among_its_choices(dbutils: DBUtils) -> None:
    with pytest.raises(ValueError, match="one of"):
        dbutils.widgets.dropdown("d", "x", ["a", "b"])
    dbutils.widgets.dropdown("day", "a", ["a", "b"])
    assert dbutils.widgets.get("day") == "given"


def test_a_removed_widget_is_gone(dbutils: DBUtils) -> None:
    dbutils.widgets.text("other", "x")
    dbutils.widgets.remove("other")
    with pytest.raises(WidgetNotDefined):
        dbutils.widgets.get("other")


def test_reading_a_secret_tells_its_name_and_not_its_value(dbutils: DBUtils, tmp_path: Path) -> None:
    assert dbutils.secrets.get("s", "k") == "hidden"
    assert dbutils.secrets.get("s", "empty") == ""
    told = (tmp_path / "revealed_secrets.json").read_text("utf-8")
    assert json.loads(told) == [["s", "k"]]
    with pytest.raises(KeyError, match="scope: s and key: none"):
        dbutils.secrets.get("s", "none")


def test_task_values_are_passed_on(dbutils: DBUtils, tmp_path: Path) -> None:
    dbutils.jobs.taskValues.set("a", [1])
    with pytest.raises(TypeError):
        dbutils.jobs.taskValues.set("b", object())
    dbutils.jobs.taskValues.set(key="c", value=None)
    assert json.loads((tmp_path / "task_values.json").read_text("utf-8")) == {"a": [1], "c": None}


def test_a_falsy_task_value_is_no_missing_one(dbutils: DBUtils) -> None:
    assert dbutils.jobs.taskValues.get("before", "rows", default=5) == 0
    assert dbutils.jobs.taskValues.get("before", "none", default=5) == 5
    with pytest.raises(ValueError, match="no default"):
        dbutils.jobs.taskValues.get("before", "none")


def test_another_notebook_is_run_by_who_made_this_one(dbutils: DBUtils) -> None:
    assert dbutils.notebook.run("other", 60, {"a": "1"}) == "other {'a': '1'}"
    assert dbutils.notebook.run("other") == "other {}"


def test_exit_ends_the_notebook_with_its_value(dbutils: DBUtils) -> None:
    with pytest.raises(NotebookExit, match=r"^7$"):
        dbutils.notebook.exit(7)


def test_what_does_not_exist_says_so(dbutils: DBUtils) -> None:
    with pytest.raises(AttributeError, match=r"dbutils\.credentials"):
        _ = dbutils.credentials


def test_files_of_dbfs(dbutils: DBUtils) -> None:
    fs = dbutils.fs
    fs.put("dbfs:/a/b.txt", "text")
    with pytest.raises(FileExistsError, match="overwrite"):
        fs.put("/a/b.txt", "other")
    assert fs.head("dbfs:/a/b.txt", 2) == "te"
    fs.cp("dbfs:/a", "dbfs:/c", recurse=True)
    fs.mv("dbfs:/c/b.txt", "dbfs:/c/d.txt")
    assert [(item.path, item.name, item.size) for item in fs.ls("dbfs:/c")] == [("dbfs:/c/d.txt", "d.txt", 4)]
    assert [item.isDir() for item in fs.ls("dbfs:/")] == [True, True]
    with pytest.raises(OSError, match="recurse"):
        fs.rm("dbfs:/c")
    assert fs.rm("dbfs:/c", recurse=True)
    assert not fs.rm("dbfs:/c", recurse=True)
    with pytest.raises(FileNotFoundError, match="dbfs:/c"):
        fs.ls("dbfs:/c")


def test_dbfs_paths_do_not_leave_their_folder(dbutils: DBUtils, tmp_path: Path) -> None:
    dbutils.fs.put("dbfs:/../../escaped.txt", "x")
    assert (tmp_path / "dbfs" / "escaped.txt").exists()


def test_a_file_is_not_copied_onto_itself(dbutils: DBUtils) -> None:
    fs = dbutils.fs
    fs.put("dbfs:/a/b.txt", "text")
    for call in (fs.cp, fs.mv):
        with pytest.raises(shutil.SameFileError, match="the same file"):
            call("dbfs:/a/b.txt", "/a/b.txt")
        with pytest.raises(shutil.SameFileError, match="the same file"):
            call("dbfs:/a/b.txt", "dbfs:/a")
        with pytest.raises(shutil.SameFileError, match="into itself"):
            call("dbfs:/a", "dbfs:/a/inside", True)
    assert fs.head("dbfs:/a/b.txt") == "text"


def test_an_empty_folder_is_moved(dbutils: DBUtils) -> None:
    fs = dbutils.fs
    fs.mkdirs("dbfs:/empty/inside")
    fs.mv("dbfs:/empty", "dbfs:/moved", recurse=True)
    assert [item.path for item in fs.ls("dbfs:/")] == ["dbfs:/moved/"]
    assert [item.path for item in fs.ls("dbfs:/moved")] == ["dbfs:/moved/inside/"]


@pytest.mark.parametrize(
    "path", ["abfss://c@a.dfs.core.windows.net/x", "gs://bucket/x", "https://example.com/x", "hdfs:/x"]
)
def test_a_file_system_that_is_not_here_is_refused(dbutils: DBUtils, path: str, tmp_path: Path) -> None:
    for call in (
        lambda: dbutils.fs.put(path, "x"),
        lambda: dbutils.fs.ls(path),
        lambda: dbutils.fs.cp("dbfs:/a", path),
    ):
        with pytest.raises(ValueError, match=f"no file system for {path.partition(':')[0]}"):
            call()
    assert not (tmp_path / "dbfs").exists()
