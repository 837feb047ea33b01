"""What a notebook imports from Python files beside it: followed like its own code, and refused where it would fail."""

from __future__ import annotations

import pytest

from tests.unit.wiring.conftest import Project

LOADING = """
    TARGET = "main.default.events"

    def save(df, table=TARGET):
        df.write.mode("append").saveAsTable(table)

    def load(spark, table=TARGET):
        return spark.table(table)

    class Loader:
        pass
    """
IMPORTS = {
    "a name": "from lib.loading import save\nsave(df)",
    "another name": "from lib.loading import save as keep\nkeep(df)",
    "a module": "from lib import loading\nloading.save(df)",
    "a dotted name": "import lib.loading\nlib.loading.save(df)",
    "a module by another name": "import lib.loading as l\nl.save(df, l.TARGET)",
    "everything": "from lib.loading import *\nsave(df, TARGET)",
    "a constant": "from lib.loading import TARGET\ndf.write.saveAsTable(TARGET)",
    "through a package": "from lib.face import save\nsave(df)",
    "in a function": "def work():\n    from lib.loading import save\n    save(df)\n\nwork()",
    "a constant of a module": "import lib.loading as l\ndf.write.saveAsTable(l.TARGET)",
}


@pytest.fixture
def package(project: Project) -> Project:
    """A project with helper modules beside the notebooks."""
    project.write("notebooks/lib/__init__.py", "")
    project.write("notebooks/lib/loading.py", LOADING)
    project.write("notebooks/lib/face.py", "from .loading import save\nfrom . import loading as inner\n")
    return project


@pytest.mark.parametrize("cell", IMPORTS.values(), ids=IMPORTS.keys())
def test_modules_beside_the_notebook_are_followed(package: Project, cell: str) -> None:
    """The table that a helper writes is one that the notebook writes, at the notebook's own line."""
    facts = package.follow("x = 1", cell)

    assert list(facts.writes) == ["main.default.events"]
    assert facts.writes["main.default.events"].file.name == "followed.py"
    assert facts.bad_imports == {}


def test_an_order_that_only_helpers_tell(package: Project) -> None:
    """A task that reads what another one writes by a helper must wait for it."""
    package.notebook("write", "from lib.loading import save", "save(df)")
    package.notebook("read", "import lib.loading as l\nl.load(spark)")
    package.tasks("write", "read")

    assert package.places("table-order") == [("error", "databricks.yml:11", "main.default.events")]


def test_widgets_of_a_helper(package: Project) -> None:
    """A widget that a helper reads is read, whether it is handed dbutils or has its own."""
    package.write(
        "notebooks/lib/day.py",
        """
        from databricks.sdk.runtime import dbutils

        def day():
            return dbutils.widgets.get("day")

        def hour(utils):
            return utils.widgets.get("hour")
        """,
    )
    package.notebook("a", "from lib.day import day, hour\nday()\nhour(dbutils)\ndbutils.widgets.get('dya')")
    package.job(
        "- task_key: a\n  notebook_task:\n    notebook_path: ./notebooks/a.py",
        parameters='- {name: day, default: "1"}\n- {name: hour, default: "1"}\n',
    )

    assert package.places("parameter-read") == []
    assert package.places("widget-passed") == [("error", "notebooks/a.py:6", "dya")]


def test_imports_that_fail(package: Project) -> None:
    """A name or file that is not there, a notebook, a relative import in a notebook, a module that does not parse."""
    package.notebook("shared", "x = 1")
    package.write("notebooks/lib/broken.py", "def x(:\n")
    package.notebook(
        "a",
        "from lib.loading import saved",
        "import lib.loadings",
        "from shared import x",
        "from .lib import loading",
        "from lib import broken",
    )
    package.tasks("a")

    found = package.findings("module-imports")

    assert [(finding.place.line, finding.subject, finding.hint) for finding in found] == [
        (3, "saved", "did you mean save?"),
        (7, "lib.loadings", "did you mean loading?"),
        (11, "shared", "include it by %run"),
        (15, ".lib", "import it by its name"),
    ]
    assert package.places("notebook-parses") == [("error", "notebooks/lib/broken.py:1", "broken.py")]


NO_MISTAKE = {
    "somebody else's": "import pandas.core\nfrom pyspark.sql import functions as F\nfrom nowhere import x",
    "provided for": "try:\n    from lib.loading import gone\nexcept ImportError:\n    gone = None",
    "a class": "from lib.loading import Loader\nLoader(spark).read()",
    "another folder": "import sys\nsys.path.insert(0, '../src')\nfrom lib.other import x",
    "what a module makes at run time": "from lib.made import anything",
    "what a module has from elsewhere": "from lib.taken import anything",
    "modules that import each other": "from lib.one import first",
}


@pytest.mark.parametrize("cell", NO_MISTAKE.values(), ids=NO_MISTAKE.keys())
def test_imports_that_are_no_mistake(package: Project, cell: str) -> None:
    """What is not known is not held against anybody."""
    package.write("notebooks/lib/made.py", "globals().update(make())\n")
    package.write("notebooks/lib/taken.py", "from pandas import *\n")
    package.write("notebooks/lib/one.py", "from lib import two\n\ndef first():\n    two.second()\n")
    package.write("notebooks/lib/two.py", "from lib import one\n\ndef second():\n    one.first()\n")
    package.notebook("a", cell)
    package.tasks("a")

    assert package.verdict().findings == ()
