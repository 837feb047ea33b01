"""A real ipykernel for one notebook: `serve` in the forked child, `prepare` as the first thing that it executes."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import Any

from sandbox.databricks_stub.kernel import display as displaying
from sandbox.databricks_stub.kernel.dbutils import DBUtils, NotebookExit
from sandbox.databricks_stub.kernel.engines import create_session
from sandbox.databricks_stub.kernel.magics import functions, register
from sandbox.databricks_stub.kernel.other_notebook import run_apart
from sandbox.databricks_stub.kernel.redaction import OutputRedactor
from sandbox.databricks_stub.workspace_paths import repository_of

_request: dict[str, Any] = {}


def serve(request: dict[str, Any]) -> None:
    """Run the kernel until it is told to shut down."""
    from ipykernel.kernelapp import IPKernelApp

    _request.update(request)
    os.chdir(Path(request["notebook_path"]).parent)
    sys.argv = ["notebook"]
    app = IPKernelApp.instance()
    app.initialize(["-f", request["connection_file"], "--HistoryManager.enabled=False"])
    app.start()


def prepare() -> None:
    """Put `spark`, `dbutils`, `display` and the magics into the kernel; run as its first, hidden cell.

    It is executed rather than done before the start so that an engine that is down is an error of the notebook, with a
    message and a traceback, and not a kernel that never answers.
    """
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    notebook = Path(_request["notebook_path"])
    # Documented: https://docs.databricks.com/files/workspace-modules - a Git folder's root is on the path, too
    for folder in (repository_of(notebook, Path(_request["repos"])), notebook.parent):
        if folder is not None and str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    spark = create_session(_request)
    dbutils = DBUtils(
        shell=shell,
        namespace=shell.user_ns,
        spark=spark,
        request=_request,
        run_apart=functools.partial(run_apart, functions=functions),
    )
    register(shell, spark=spark, dbutils=dbutils)
    shell.user_ns.update(
        spark=spark, dbutils=dbutils, display=displaying.display, displayHTML=displaying.display_html, sqlContext=spark
    )
    # IPython has put an `open` of its own there, which knows no volumes; without it the built-in one is found
    shell.user_ns.pop("open", None)
    displaying.install()
    shell.user_ns_hidden.update(dict.fromkeys(("spark", "dbutils", "display", "displayHTML", "sqlContext")))
    shell.set_custom_exc((NotebookExit,), lambda *_, **__: None)
    OutputRedactor(dbutils.secrets.revealed).install()
