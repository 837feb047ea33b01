"""A bundle: what is written, kept, refused, and what an installation from it asks of uv."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from packaging.version import Version

from sandbox.errors import ConfigurationError, PrerequisiteMissing
from sandbox.runtimes.build import ensure
from sandbox.runtimes.bundle import VARIABLE, Bundle, Wanted, open_bundle, problems
from sandbox.runtimes.bundle_write import WriteTools, Written, write_bundle
from sandbox.runtimes.pinned import parse, rounds, select, with_hashes
from sandbox.runtimes.store import RuntimeRequest, lock_sha256
from sandbox.runtimes.tools import Tools
from sandbox.runtimes.uv import Outcome, ignore
from tests.unit.recorded import RecordedProgress
from tests.unit.runtimes.conftest import FakeUv

POSTGRES = RuntimeRequest(name="postgres")


class FakePip:
    """Makes a wheel for each requirement, whose bytes no lock knows: as if each had been built from source."""

    def __init__(self) -> None:
        self.runs = 0
        self.fetched_by: dict[str, str] = {}
        self.outcome = Outcome(returncode=0)

    def __call__(
        self,
        python: Path,
        arguments: Sequence[str],
        *,
        folder: Path,
        on_line: Callable[[str], None] = ignore,
        cancelled: threading.Event | None = None,
    ) -> Outcome:
        self.runs += 1
        command = arguments[0]
        target = Path(arguments[list(arguments).index("--dest" if command == "download" else "--wheel-dir") + 1])
        requirements = Path(arguments[list(arguments).index("--requirement") + 1])
        target.mkdir(exist_ok=True)
        for pin in parse(requirements.read_text("utf-8")) if self.outcome.returncode == 0 else ():
            name, version = pin.identity
            on_line(f"Collecting {name}=={version}")
            self.fetched_by[f"{name}=={version}"] = command
            (target / f"{name.replace('-', '_')}-{version}-py3-none-any.whl").write_text(f"{name} run {self.runs}")
        return self.outcome


@pytest.fixture
def pip() -> FakePip:
    return FakePip()


@pytest.fixture
def write(
    tools: Tools, pip: FakePip, progress: RecordedProgress, cache_dir: Path, tmp_path: Path
) -> Callable[..., Written]:
    """Writes the bundle with PostgreSQL's runtime in a folder whose name has a space and a comma."""

    def call(*names: str, tool_locks: Sequence[str] = (), tools: Tools = tools) -> Written:
        return write_bundle(
            tmp_path / "my, bundle",
            [RuntimeRequest(name=name) for name in names or ("postgres",)],
            tool_locks=tool_locks,
            progress=progress,
            cache_dir=cache_dir,
            machine=WriteTools(tools=tools, pip=pip),
        )

    return call


def part_of(bundle: Bundle) -> str:
    """The key of PostgreSQL's part."""
    return Wanted.of(POSTGRES, "3.11").key


def test_what_is_written(write: Callable[..., Written]) -> None:
    """Wheels, a lock in which the built wheels' hashes are added, and a manifest of both."""
    bundle = write().bundle

    part = open_bundle(bundle.folder).parts[part_of(bundle)]
    assert set(part.files) == {path.name for path in bundle.wheels.iterdir()}
    assert part.lock_sha256 == lock_sha256(POSTGRES.spec.lock_file)
    lock = (bundle.folder / part.lock).read_text("utf-8")
    assert all(f"--hash=sha256:{digest}" in lock for digest in part.files.values())
    assert set(part.built) == set(part.files)
    assert list(problems(bundle)) == []


def test_what_other_releases_of_the_python_install_is_downloaded(write: Callable[..., Written], pip: FakePip) -> None:
    """Python 3.11.2 cannot build a wheel of what needs 3.11.5, and the bundle is for both."""
    write("workspace")

    versions = {pin.split("==")[1]: command for pin, command in pip.fetched_by.items() if pin.startswith("soupsieve==")}
    assert sorted(versions.values()) == ["download", "wheel"]
    assert max(versions, key=Version) == next(version for version, command in versions.items() if command == "download")


def test_written_again_fetches_nothing(write: Callable[..., Written], pip: FakePip) -> None:
    """A whole bundle is left as it is; a changed file's part is fetched anew."""
    bundle = write().bundle
    assert (write().fetched, pip.runs) == ((), 1)
    wheel = sorted(bundle.wheels.iterdir())[0]
    wheel.write_text("changed")
    assert list(problems(bundle)) == [f"changed: wheels/{wheel.name}"]

    assert write().fetched == (part_of(bundle),)

    assert list(problems(open_bundle(bundle.folder))) == []


def test_failure_keeps_what_is_whole(write: Callable[..., Written], pip: FakePip, cache_dir: Path) -> None:
    """A network that goes away leaves the parts before it, says so, and leaves nothing of the begun one."""
    bundle = write().bundle
    pip.outcome = Outcome(returncode=1, lines=("ERROR: ConnectionError: Max retries exceeded",))

    with pytest.raises(PrerequisiteMissing, match=r"wheels of workspace for Python 3\.11 could not be fetched"):
        write("postgres", "workspace")

    assert set(open_bundle(bundle.folder).parts) == {part_of(bundle)}
    assert [path.suffix for path in (cache_dir / "bundle-work").iterdir()] == [".lock"]


def test_no_room(write: Callable[..., Written], tools: Tools, pip: FakePip) -> None:
    """What cannot fit is not begun."""
    small = dataclasses.replace(tools, free_bytes=lambda _folder: 100 * 2**20)

    with pytest.raises(PrerequisiteMissing, match=r"236 MiB needed, 100 MiB free"):
        write(tools=small)

    assert pip.runs == 0


def test_foreign_folder(write: Callable[..., Written], tmp_path: Path) -> None:
    """A folder that holds something else is not written into."""
    (tmp_path / "my, bundle").mkdir()
    (tmp_path / "my, bundle" / "letter.txt").touch()

    with pytest.raises(ConfigurationError, match="neither empty nor a bundle"):
        write()


def test_runtime_from_a_bundle(
    write: Callable[..., Written], tools: Tools, uv: FakeUv, progress: RecordedProgress, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """uv gets the bundle's lock and wheels and no index; the runtime has the key of the committed lock."""
    bundle = write().bundle
    monkeypatch.setenv(VARIABLE, str(bundle.folder))
    elsewhere = tmp_path / "other"

    runtime = ensure(["postgres"], progress=progress, cache_dir=elsewhere, tools=tools)["postgres"]

    sync = next(command for command in uv.commands if command[:2] == ("pip", "sync"))
    assert {"--offline", "--no-index", "--require-hashes"} <= set(sync)
    assert sync[sync.index("--find-links") + 1] == bundle.wheels.as_uri()
    assert "," not in bundle.wheels.as_uri()
    monkeypatch.delenv(VARIABLE)
    assert ensure(["postgres"], progress=progress, cache_dir=elsewhere, tools=tools)["postgres"] == runtime


def test_what_a_bundle_lacks(
    write: Callable[..., Written], tools: Tools, uv: FakeUv, progress: RecordedProgress, tmp_path: Path
) -> None:
    """A runtime that is not in the bundle, and a wheel that is gone, are named; uv is not asked."""
    bundle = write().bundle
    uv.commands.clear()

    with pytest.raises(PrerequisiteMissing, match="lacks moto") as caught:
        ensure(["moto"], progress=progress, cache_dir=tmp_path / "a", bundle=bundle.folder, tools=tools)
    assert "--runtime moto --python 3.11" in caught.value.next_command
    wheel = sorted(bundle.wheels.iterdir())[0]
    wheel.unlink()
    with pytest.raises(PrerequisiteMissing, match="is damaged") as caught:
        ensure(["postgres"], progress=progress, cache_dir=tmp_path / "b", bundle=bundle.folder, tools=tools)

    assert f"missing: wheels/{wheel.name}" in caught.value.why
    assert uv.syncs == 0


@pytest.mark.parametrize("content", [None, "no JSON", '{"schema": 1}', "[]", '{"schema": 9}'])
def test_no_bundle(content: str | None, tmp_path: Path) -> None:
    """A folder without a manifest of ours is refused."""
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)

    with pytest.raises(ConfigurationError, match=r"is no bundle|has schema 9"):
        open_bundle(tmp_path)


def test_markers_of_patch_releases() -> None:
    """What any release of the minor version needs is selected, in two lists where a package has two versions."""
    digest = "--hash=sha256:" + "0" * 64
    lock = (
        f"a==1 ; python_full_version < '3.11.5' \\\n    {digest}\n"
        f"a==2 ; python_full_version >= '3.11.5' \\\n    {digest}\n"
        f"b==1 ; sys_platform == 'win32' \\\n    {digest}\nc[x]==1 \\\n    {digest}\n"
    )

    selected = select(lock, "3.11")

    assert [[pin.requirement.split()[0] for pin in group] for group in rounds(selected)] == [
        ["a==1", "c[x]==1"],
        ["a==2"],
    ]
    assert [pin.requirement.split()[0] for pin in select(lock, "3.12")] == ["a==2", "c[x]==1"]
    assert with_hashes(lock, {selected[0].identity: "1" * 64}).count("1" * 64) == 1
