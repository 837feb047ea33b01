"""The way without forks: `airflow <component>` processes, for a release whose inside the prefork launcher does not fit."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys

from sandbox.airflow_launcher.config import COMPONENTS, LauncherConfig
from sandbox.airflow_launcher.family import Family
from sandbox.airflow_launcher.prefork import ORPHAN_SWEEP_SECONDS, _catch_signals, wait_for_database


def run(config: LauncherConfig) -> int:
    """Run until SIGTERM."""
    wakeup = _catch_signals()
    wait_for_database()

    def start(name: str) -> int:
        with (config.logs / f"airflow-{name}.log").open("ab") as log:
            return subprocess.Popen([sys.executable, "-m", "airflow", name], stdout=log, stderr=log).pid

    family = Family(COMPONENTS, start=start, state_file=config.state_file)
    for name in COMPONENTS:
        family.start(name)
    while True:
        ready, _, _ = select.select([wakeup], [], [], min(family.next_due_seconds(), ORPHAN_SWEEP_SECONDS))
        if ready:
            heard = os.read(wakeup, 4096)
            if signal.SIGTERM in heard or signal.SIGINT in heard:
                break
        family.reap()
        family.start_due()
        family.end_idle_orphans()
    family.stop()
    return 0
