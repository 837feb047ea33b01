"""The committed locks, how they are read, and how one is derived."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.errors import ConfigurationError, PrerequisiteMissing
from sandbox.runtimes.locks import (
    LockJob,
    compile_lock,
    derived_constraints,
    derived_requirements,
    lock_problems,
    pins,
)
from sandbox.runtimes.refresh import jobs
from sandbox.runtimes.registry import LOCKS, RUNTIMES, TOOL_LOCKS
from sandbox.runtimes.store import RuntimeRequest
from sandbox.runtimes.uv import Outcome
from tests.unit.runtimes.conftest import FakeUv

HASH = "    --hash=sha256:" + "0" * 64


@pytest.mark.parametrize("lock", sorted(LOCKS.glob("*.txt")), ids=lambda path: path.stem)
def test_committed_lock_is_one(lock: Path) -> None:
    """Every committed lock pins and hashes everything and names no host."""
    assert lock_problems(lock.read_text("utf-8")) == []


def test_every_lock_is_registered() -> None:
    """Locks and registry are the same set; so are the requirement files."""
    assert {path.stem for path in LOCKS.glob("*.txt")} == {*RUNTIMES, *TOOL_LOCKS}
    assert {path.name for path in LOCKS.glob("*.in")} == {spec.requirements for spec in RUNTIMES.values()}
    with_jars = {spec.jars for spec in RUNTIMES.values() if spec.jars}
    assert {path.name for path in LOCKS.glob("*.jars")} == with_jars
    assert {path.stem for path in LOCKS.glob("*.jars.wanted")} == with_jars


def test_every_lock_can_be_refreshed() -> None:
    """`nox -s lock` knows every lock."""
    assert {job.name for job in jobs([])} == {*RUNTIMES, *TOOL_LOCKS}


@pytest.mark.parametrize("name", sorted(RUNTIMES))
def test_lock_holds_what_was_asked(name: str) -> None:
    """Every requirement of the `.in` file is in the lock."""
    spec = RUNTIMES[name]
    asked = {line.split("=")[0].split("<")[0].split("[")[0] for line in spec.requirements_file.read_text().split()}

    assert asked <= pins(spec.lock_file.read_text("utf-8")).keys()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("a==1 \\\n" + HASH, None),
        ("a==1 ; sys_platform == 'darwin' \\\n" + HASH, None),
        ("a==1", "no hash: a==1"),
        ("a>=1 \\\n" + HASH, "not pinned: a>=1"),
        ("--index-url https://pypi.example/simple\na==1 \\\n" + HASH, "names a host or a file: --index-url"),
        ("a @ file:///tmp/a.whl \\\n" + HASH, "names a host or a file: a @"),
    ],
)
def test_lock_problems(text: str, problem: str | None) -> None:
    """What is wrong with a lock is said by line."""
    found = lock_problems(text)

    assert (found == []) if problem is None else found[0].startswith(problem)


def test_compile_keeps_the_old_lock_on_failure(tmp_path: Path, uv: FakeUv) -> None:
    """A lock that cannot be compiled, or comes out unusable, leaves the committed one untouched."""
    lock = tmp_path / "x.txt"
    lock.write_text("a==1 \\\n" + HASH)
    job = LockJob(name="x", lock_file=lock, sources=("x.in",), python_version="3.11")
    uv.compiled = "a==2\n"

    with pytest.raises(ConfigurationError, match="the new lock x"):
        compile_lock(job, uv=uv)
    with pytest.raises(PrerequisiteMissing, match="cannot be compiled"):
        compile_lock(job, uv=lambda *_args, **_kwargs: Outcome(returncode=1, lines=("no network",)))

    assert lock.read_text() == "a==1 \\\n" + HASH
    assert [path.name for path in tmp_path.iterdir()] == ["x.txt"]


def test_compile_says_what_changed(tmp_path: Path, uv: FakeUv) -> None:
    """Refreshing tells the versions before and after."""
    lock = tmp_path / "x.txt"
    lock.write_text(f"a==1 \\\n{HASH}\nb==1 \\\n{HASH}\n")
    uv.compiled = f"a==2 \\\n{HASH}\nc==1 \\\n{HASH}\n"

    change = compile_lock(LockJob(name="x", lock_file=lock, sources=("x.in",), python_version="3.11"), uv=uv)

    assert change.changes == (("a", "1", "2"), ("b", "1", None), ("c", None, "1"))
    assert lock.read_text() == uv.compiled


def test_derived_requirements() -> None:
    """A project's provider version replaces the row's; its packages are added."""
    request = RuntimeRequest(
        name="airflow-3.0.2-py3.11",
        extra_requirements=("requests-cache>=1",),
        provider_versions=(("databricks", "7.9.0"), ("http", "5.3.0")),
    )

    requirements = derived_requirements(request)

    assert "apache-airflow==3.0.2" in requirements
    assert "apache-airflow-providers-databricks==7.9.0" in requirements
    assert "apache-airflow-providers-databricks==7.6.0" not in requirements
    assert "apache-airflow-providers-http==5.3.0" in requirements
    assert requirements[-1] == "requests-cache>=1"


def test_derived_constraints() -> None:
    """The row's versions hold, but for packages that the project names and, with a provider version, providers."""
    committed = "".join(
        f"{pin} \\\n{HASH}\n"
        for pin in ("fastapi==1", "six==1", "apache-airflow-providers-http==5", "apache-airflow==3.0.2")
    )
    name = "airflow-3.0.2-py3.11"

    plain = derived_constraints(RuntimeRequest(name=name, extra_requirements=("six>=2",)), committed)
    moved = derived_constraints(RuntimeRequest(name=name, provider_versions=(("databricks", "7.9.0"),)), committed)

    assert plain == ["apache-airflow==3.0.2", "apache-airflow-providers-http==5", "fastapi==1"]
    assert moved == ["apache-airflow==3.0.2", "fastapi==1", "six==1"]
