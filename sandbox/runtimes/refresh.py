"""`nox -s lock`: compile the committed locks anew and say what changed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sandbox.errors import NothingSelected, SandboxError
from sandbox.runtimes.jar_lock import lock_jars
from sandbox.runtimes.locks import LockChange, LockJob, compile_lock
from sandbox.runtimes.registry import LOCKS, RUNTIMES, TOOL_LOCKS
from sandbox.runtimes.uv import RunUv, run_uv

LOWEST_PYTHON = "3.11"
JARS = "jars"
DEV_FOLLOWS = ("tool", "workspace")
"""The test environment has the packages of these locks at the same versions: what is tested is what runs."""
PROJECT = Path(__file__).parents[2]


def jobs(names: Sequence[str]) -> list[LockJob]:
    """The named locks, or all of them: what each is compiled from, and how."""
    known = {spec.name: LockJob.of(spec) for spec in RUNTIMES.values()}
    for name, group in TOOL_LOCKS.items():
        project = PROJECT / "pyproject.toml"
        sources = [str(project), "--group", f"{project}:{group}"]
        for other in DEV_FOLLOWS if name == "dev" else ():
            sources += ["--constraints", str(LOCKS / f"{other}.txt")]
        known[name] = LockJob(
            name=name, lock_file=LOCKS / f"{name}.txt", sources=tuple(sources), python_version=LOWEST_PYTHON
        )
    if unknown := sorted(set(names) - known.keys()):
        raise NothingSelected(f"no such lock: {', '.join(unknown)}", why=f"there are: {', '.join(known)}")
    return [known[name] for name in names or known]


def refresh(names: Sequence[str], *, upgrade: bool = False, uv: RunUv = run_uv) -> list[LockChange]:
    """Compile the locks one after the other; those of Java archives only when `jars` is named, for they need Maven."""
    others = [name for name in names if name != JARS]
    changed = [compile_lock(job, uv=uv, upgrade=upgrade) for job in (jobs(others) if others or not names else [])]
    if JARS in names:
        changed += [lock_jars(spec, uv=uv) for spec in RUNTIMES.values() if spec.jars]
    return changed


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: `python -m sandbox.runtimes.refresh [--upgrade] [NAME …]`."""
    parser = argparse.ArgumentParser(prog="nox -s lock --", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="a runtime, `tool`, `dev` or `jars`; all but `jars` when none is named"
    )
    parser.add_argument(
        "--upgrade", action="store_true", help="take the newest versions instead of keeping those that fit"
    )
    options = parser.parse_args(arguments)
    try:
        for change in refresh(options.names, upgrade=options.upgrade):
            print(f"{change.name}: {len(change.changes)} changed")
            for package, before, after in change.changes:
                print(f"  {package:<50}{before or '-':>20} → {after or '-'}")
    except SandboxError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
