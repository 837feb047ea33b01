"""The tests, sorted by what they need; `nox -l` lists them. All run in the .venv that `make dev` makes.

`.venv/bin/nox` runs lint, types, unit, docs, integration and e2e; arguments after `--` reach pytest:
`.venv/bin/nox -s unit -- -k ports -x`. Each cell of matrix.toml is a session of its own, tagged with its groups.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nox

PROJECT = Path(__file__).parent
# the nox script does not put the project on sys.path
sys.path.insert(0, str(PROJECT))

from sandbox.backends import BACKENDS  # noqa: E402
from sandbox.matrix import provision, settings  # noqa: E402
from sandbox.matrix.cell import Cell  # noqa: E402
from sandbox.matrix.model import load  # noqa: E402

MATRIX = load(PROJECT / "matrix.toml")

BIN = Path(sys.executable).parent
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"
BACKEND_TESTS = ["tests/integration/backends", "tests/e2e"]
PYTHON_FOLDERS = ("sandbox", "tests", "dags", "notebooks", "noxfile.py")

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "unit", "docs", "integration", "e2e"]
nox.options.error_on_missing_interpreters = True
nox.options.stop_on_first_error = False


@nox.session
def lint(session: nox.Session) -> None:
    """Style, formatting, import layers, CI workflows, spelling."""
    _tool(session, "ruff", "check", *PYTHON_FOLDERS)
    _tool(session, "ruff", "format", "--check", *PYTHON_FOLDERS)
    _tool(session, "lint-imports", "--no-cache")
    _workflows(session, required=False)
    _tool(session, "codespell", "sandbox", "tests", "dags", "notebooks", "docs", *_top_level_pages())


@nox.session
def workflows(session: nox.Session) -> None:
    """The CI workflows: zizmor, and actionlint, which needs Go or an actionlint on PATH."""
    _workflows(session, required=True)


@nox.session
def types(session: nox.Session) -> None:
    """Mypy, strict, over the package and the tests."""
    _tool(session, "mypy", *session.posargs)


@nox.session
def unit(session: nox.Session) -> None:
    """Fast tests: no network, no services."""
    _pytest(session, "tests/unit", workers="auto")


@nox.session
def integration(session: nox.Session) -> None:
    """Tests against the real Airflow, S3, workspace and Sail; other backends and engines: `backends`, `engines`."""
    _pytest(session, "tests/integration", "--dist=loadgroup", timeout=600, env={"SANDBOX_TEST_ENGINES": "sail"})


@nox.session
def e2e(session: nox.Session) -> None:
    """A user's session, and the cell's tests, in production's row on the best backend that this machine has."""
    cell = settings.best(MATRIX.production(), provision.lacks)
    session.log(f"production's row on the backend {cell.backend}: {cell.id}")
    _pytest(session, "tests/e2e", "--dist=loadgroup", timeout=1200, env=settings.environment(cell, {}))
    if not session.posargs:
        _run_cells(session, cell.id)


@nox.session
def engines(session: nox.Session) -> None:
    """The engine contract on every Spark engine; without Java 17 classic Spark is skipped, with the reason."""
    _pytest(session, "tests/integration/engines", workers="0", timeout=900)


@nox.session
def backends(session: nox.Session) -> None:
    """The backend contract and the e2e tests on the backends named after `--`, or on all that this machine can run."""
    able = {name: provision.lacks(name) for name in BACKENDS}
    named = [word for word in session.posargs if word in able]
    for name in named or [name for name, lack in able.items() if not lack]:
        if able[name]:
            session.error(f"the backend {name} cannot run here: {able[name]}")
        env = {"SANDBOX_TEST_BACKENDS": name, "SANDBOX_BACKEND": name}
        options = [word for word in session.posargs if word not in able]
        folders = [] if any((PROJECT / word.split("::")[0]).exists() for word in options) else BACKEND_TESTS
        arguments = ["--numprocesses=0", "--timeout=1800", *folders, *options]
        session.run(sys.executable, "-m", "pytest", *arguments, external=True, env=env)


def _cell_session(cell: Cell) -> None:
    @nox.session(name=f"e2e-{cell.id}", tags=list(cell.groups))
    def run(session: nox.Session) -> None:
        _run_cells(session, cell.id, *session.posargs)

    run.__doc__ = f"The cell's tests: {cell.purpose}."


for _cell in MATRIX.cells:
    _cell_session(_cell)


@nox.session
def matrix(session: nox.Session) -> None:
    """Cells side by side: `nox -s matrix -- --group pr [--retry-failed] [--fail-fast] [SELECTION …]`."""
    _run_cells(session, *session.posargs)


def _run_cells(session: nox.Session, *arguments: str) -> None:
    session.run(sys.executable, "-m", "sandbox", "matrix", "run", *arguments, external=True)


@nox.session
def planted(session: nox.Session) -> None:
    """Plant bugs into copies of this repository: does the matrix turn exactly the right cells red?"""
    _pytest(session, "tests/planted", workers="0", timeout=3600)


@nox.session
def bench(session: nox.Session) -> None:
    """The benchmarks of docs/benchmarks.md; takes a while, wants a quiet machine."""
    session.run(sys.executable, "-m", "tests.bench", *session.posargs, external=True)


@nox.session
def docs(session: nox.Session) -> None:
    """Do the pages say what the code does?"""
    _pytest(session, "tests/docs", workers="0")


@nox.session
def lock(session: nox.Session) -> None:
    """Compile the locks anew: `nox -s lock -- [--upgrade] [NAME …]`."""
    session.run(sys.executable, "-m", "sandbox.runtimes.refresh", *session.posargs, external=True)


def _workflows(session: nox.Session, *, required: bool) -> None:
    """Zizmor looks at rights and pins, actionlint (a Go program) at the rest: syntax, expressions, shell."""
    _tool(session, "zizmor", "--offline", "--no-progress", "--quiet", ".github/workflows")
    if shutil.which("actionlint"):
        session.run("actionlint", external=True)
    elif required and shutil.which("go"):
        session.run("go", "run", ACTIONLINT, external=True)
    elif required:
        session.error(f"neither actionlint nor go is on PATH; next: go install {ACTIONLINT}")
    else:
        session.log("actionlint is not on PATH and was not run; `nox -s workflows` runs it with Go")


def _tool(session: nox.Session, name: str, *arguments: str) -> None:
    session.run(str(BIN / name), *arguments, external=True)


def _pytest(
    session: nox.Session,
    folder: str,
    *options: str,
    workers: str = "2",
    timeout: int = 120,
    env: dict[str, str] | None = None,
) -> None:
    selected = [argument for argument in session.posargs if (PROJECT / argument.split("::")[0]).exists()]
    arguments = [f"--numprocesses={os.environ.get('SANDBOX_TEST_WORKERS', workers)}", f"--timeout={timeout}", *options]
    session.run(
        *(sys.executable, "-m", "pytest", *arguments, *([] if selected else [folder]), *session.posargs),
        external=True,
        # no tests is no failure only where there is no folder yet
        success_codes=[0] if (PROJECT / folder).is_dir() else [0, 4],
        env=env,
    )


def _top_level_pages() -> list[str]:
    return sorted(str(page.relative_to(PROJECT)) for page in PROJECT.glob("*.md"))
