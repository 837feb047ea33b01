"""The way without forks: `airflow <component>` processes, for a release whose inside prefork does not fit."""

from __future__ import annotations

import os
import select
import signal
import sys

from sandbox.airflow_launcher.config import ARGUMENTS, COMPONENTS, LauncherConfig
from sandbox.airflow_launcher.family import Family
from sandbox.airflow_launcher.prefork import catch_signals, wait_for_database


def run(config: LauncherConfig) -> int:
    """Run until SIGTERM, or until a component turns out to be unable to start; returns the exit code."""
    wakeup = catch_signals()
    wait_for_database()

    def start(name: str) -> int:
        to_log = [(os.POSIX_SPAWN_OPEN, 1, str(config.log(name)), os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)]
        argv = [sys.executable, "-m", "airflow", name, *ARGUMENTS[name]]
        return os.posix_spawn(argv[0], argv, os.environ, file_actions=[*to_log, (os.POSIX_SPAWN_DUP2, 1, 2)])

    family = Family(COMPONENTS, start=start, log=config.log, state_file=config.state_file)
    for name in COMPONENTS:
        family.start(name)
    code = 0
    while code == 0:
        ready, _, _ = select.select([wakeup], [], [], min(family.next_due_seconds(), 1.0))
        if ready:
            heard = os.read(wakeup, 4096)
            if signal.SIGTERM in heard or signal.SIGINT in heard:
                break
        family.reap()
        family.start_due()
        code = int(family.gives_up())
    family.stop()
    return code
