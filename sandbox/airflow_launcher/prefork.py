"""Import Airflow once, fork its components, fork them again when they die, answer the validator's questions.

Measured against `airflow standalone`, which imports Airflow in each of its processes: see docs/benchmarks.md. What
makes it fast: one import; the garbage collector off during imports; the API server, which takes longest to be ready,
forked first.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import os
import select
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import NoReturn

from sandbox.airflow_launcher.config import ARGUMENTS, COMPONENTS, LauncherConfig
from sandbox.airflow_launcher.family import Family, children
from sandbox.airflow_launcher.validate import ValidateServer

SHARED_MODULES = (
    "airflow.jobs.scheduler_job_runner",
    "airflow.jobs.triggerer_job_runner",
    "airflow.jobs.dag_processor_job_runner",
    "airflow.executors.local_executor",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
)
"""What scheduler, dag-processor and triggerer would each import on their own."""

DAG_MODULES = (
    "airflow.providers.standard.operators.python",
    "airflow.providers.amazon.aws.hooks.s3",
    "airflow.providers.databricks.operators.databricks",
)
"""What DAG files and tasks of this platform import; every parse and every task then finds it in memory."""

DATABASE_SECONDS = 60.0
ORPHAN_SWEEP_SECONDS = 5.0


def run(config: LauncherConfig) -> int:
    """Run until SIGTERM, or until a component turns out to be unable to start; returns the exit code."""
    gc.disable()
    wakeup = catch_signals()
    sys.argv = ["airflow"]
    import airflow  # noqa: F401
    from airflow import settings
    from airflow.cli import cli_parser

    parser = cli_parser.get_parser()

    def fork(name: str) -> int:
        pid = os.fork()
        if pid == 0:
            _become(name, config.log(name), parser)
        return pid

    wait_for_database()
    _dispose(settings)
    family = Family(COMPONENTS, start=fork, log=config.log, state_file=config.state_file)
    family.start("api-server")
    for module in (*SHARED_MODULES, *DAG_MODULES):
        # a row may have moved a module or lack a provider: then its users import it themselves
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    _dispose(settings)
    gc.freeze()
    for name in COMPONENTS[1:]:
        family.start(name)
    with ValidateServer(config.validate_socket) as validator:
        code = _look_after(family, validator, wakeup)
    family.stop()
    return code


def catch_signals() -> int:
    """Signals as bytes at a descriptor: the loop sleeps in `select` and still hears of them at once."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    return read


def _look_after(family: Family, validator: ValidateServer, wakeup: int) -> int:
    swept = time.monotonic()
    while True:
        ready, _, _ = select.select([wakeup, validator.fileno()], [], [], family.next_due_seconds())
        if wakeup in ready:
            heard = os.read(wakeup, 4096)
            if signal.SIGTERM in heard or signal.SIGINT in heard:
                return 0
        family.reap()
        family.start_due()
        if family.gives_up():
            return 1
        if validator.fileno() in ready:
            validator.answer()
        if time.monotonic() - swept > ORPHAN_SWEEP_SECONDS:
            validator.children &= set(children(os.getpid()))
            family.end_idle_orphans(guests=validator.children)
            swept = time.monotonic()


def wait_for_database() -> None:
    """Connect until PostgreSQL accepts it; raises the last error after a minute."""
    import psycopg2
    from airflow.configuration import conf

    address = conf.get("database", "sql_alchemy_conn").replace("postgresql+psycopg2://", "postgresql://")
    deadline = time.monotonic() + DATABASE_SECONDS
    while True:
        try:
            psycopg2.connect(address).close()
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _dispose(settings: object) -> None:
    """Close the parent's database connections: a forked child must never use them."""
    engine = getattr(settings, "engine", None)
    if engine is not None:
        engine.dispose()


def _become(name: str, log: Path, parser: object) -> NoReturn:
    """In the forked child: be this component until it ends."""
    code = 1
    try:
        _detach(log)
        from airflow import settings

        settings.dispose_orm(do_log=False)
        settings.configure_orm()
        if name == "api-server":
            _speed_up_fastapi()
        else:
            gc.enable()
        sys.argv = ["airflow", name, *ARGUMENTS[name]]
        arguments = parser.parse_args(sys.argv[1:])  # type: ignore[attr-defined]
        arguments.func(arguments)
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _detach(log: Path) -> None:
    """Own log, default signals: nothing of the parent's loop may act in the child."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    descriptor = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)


def _speed_up_fastapi() -> None:
    """Remember the signatures of endpoint functions: FastAPI reads each again for every router that nests it.

    Measured on Airflow 3.3.2 with its 825 routes: building the application takes 2.5 s instead of 3.2 s.
    """
    import fastapi.dependencies.utils as utils

    original = getattr(utils, "_get_signature", None)
    if original is not None:
        setattr(utils, "_get_signature", functools.lru_cache(None)(original))  # noqa: B010 - private, and known to be
