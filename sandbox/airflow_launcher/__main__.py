"""`python -m sandbox.airflow_launcher prefork|plain --config FILE`, or `… validate --dags DIR`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sandbox.airflow_launcher", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("prefork").add_argument("--config", type=Path, required=True)
    plain = verbs.add_parser("plain", help="start `airflow <component>` processes instead of forking")
    plain.add_argument("--config", type=Path, required=True)
    verbs.add_parser("validate").add_argument("--dags", type=Path, required=True)
    return parser.parse_args()


def main() -> int:
    """Run one verb; the path that made this package importable is hidden from Airflow and from DAG code."""
    arguments = _arguments()
    if hidden := os.environ.pop("PYTHONPATH", None):
        sys.path[:] = [entry for entry in sys.path if entry not in hidden.split(os.pathsep)]
    if arguments.verb == "validate":
        from sandbox.airflow_launcher.validate import run_once

        return run_once(arguments.dags)
    from sandbox.airflow_launcher.config import LauncherConfig

    config = LauncherConfig.read(arguments.config)
    if arguments.verb == "plain":
        from sandbox.airflow_launcher import plain

        return plain.run(config)
    from sandbox.airflow_launcher import prefork

    return prefork.run(config)


if __name__ == "__main__":
    sys.exit(main())
