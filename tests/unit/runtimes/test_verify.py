"""`verify`: damage is found, file by file."""

from __future__ import annotations

import base64
import hashlib
import shutil
import sys
import venv
from pathlib import Path

import pytest

from sandbox.runtimes.store import LOCK_COPY, Sentinel, write_sentinel
from sandbox.runtimes.verify import verify_folder


@pytest.fixture(scope="module")
def empty_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, symlinks=True)
    return folder


@pytest.fixture
def runtime(empty_venv: Path) -> Path:
    """A runtime with one package of one file."""
    site = empty_venv / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    (site / "a_b-1.0.dist-info").mkdir(exist_ok=True)
    (site / "a_b.py").write_text("x = 1\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"x = 1\n").digest()).rstrip(b"=").decode()
    (site / "a_b-1.0.dist-info" / "RECORD").write_text(f"a_b.py,sha256={digest},6\na_b-1.0.dist-info/RECORD,,\n")
    (empty_venv / LOCK_COPY).write_text("a-b==1.0 \\\n    --hash=sha256:0\n")
    sentinel = Sentinel(name="x", key="k", python_version="3.11", lock_sha256="0", state="built")
    write_sentinel(empty_venv, sentinel)
    return empty_venv


def test_sound(runtime: Path) -> None:
    """An untouched runtime has no problems."""
    verdict = verify_folder(runtime, "x")

    assert verdict.problems == ()
    assert verdict.files == 1


def test_changed_file(runtime: Path) -> None:
    """A changed file is named."""
    next(runtime.rglob("a_b.py")).write_text("x = 2\n")

    problems = verify_folder(runtime, "x").problems

    assert [problem.split(":")[0] for problem in problems] == ["changed"]
    assert problems[0].endswith("site-packages/a_b.py")


def test_file_of_two_packages(runtime: Path) -> None:
    """A file that two packages bring may be either one's."""
    (site,) = runtime.glob("lib/python*/site-packages")
    (site / "c-1.dist-info").mkdir()
    (site / "c-1.dist-info" / "RECORD").write_text("a_b.py,sha256=AAAA,6\nx.pyc,sha256=AAAA,1\n")
    (runtime / LOCK_COPY).write_text("a-b==1.0 \\\n    --hash=sha256:0\nc==1 \\\n    --hash=sha256:0\n")

    verdict = verify_folder(runtime, "x")
    shutil.rmtree(site / "c-1.dist-info")

    assert verdict.problems == ()


def test_missing_file(runtime: Path) -> None:
    """A missing file is named."""
    next(runtime.rglob("a_b.py")).unlink()

    assert verify_folder(runtime, "x").problems[0].startswith("cannot be read: lib/")


def test_package_beside_the_lock(runtime: Path) -> None:
    """A package that is not in the lock is named."""
    (runtime / LOCK_COPY).write_text("a-b==1.1 \\\n    --hash=sha256:0\n")

    assert verify_folder(runtime, "x").problems == ("a_b 1.0 is not in its lock",)
