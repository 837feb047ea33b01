"""`ensure`: what is built, reused, refused, and what an interruption leaves."""

from __future__ import annotations

import dataclasses
import errno
import threading
from pathlib import Path

import pytest

from sandbox import health
from sandbox.errors import ConfigurationError, PrerequisiteMissing, SandboxError
from sandbox.runtimes.build import ensure
from sandbox.runtimes.registry import RUNTIMES
from sandbox.runtimes.store import BUILDING_PREFIX, SENTINEL, RuntimeRequest, locate, read_sentinel, runtimes_folder
from sandbox.runtimes.tools import Tools
from sandbox.runtimes.uv import Outcome
from tests.unit.recorded import RecordedProgress
from tests.unit.runtimes.conftest import FakeUv, no_pythons


def built_folders(cache_dir: Path) -> list[str]:
    """The folders of the cache but for the locks."""
    return sorted(path.name for path in runtimes_folder(cache_dir).iterdir() if path.name != ".locks")


def test_builds_what_is_missing(cache_dir: Path, tools: Tools, progress: RecordedProgress) -> None:
    """A missing runtime is built into its place and says what it is."""
    runtimes = ensure(["postgres", "workspace"], progress=progress, cache_dir=cache_dir, tools=tools)

    assert list(runtimes) == ["postgres", "workspace"]
    assert runtimes["postgres"].python.exists()
    sentinel = read_sentinel(runtimes["postgres"].path)
    assert sentinel is not None
    assert (sentinel.state, sentinel.python_version, sentinel.packages) == ("built", "3.11", 5)
    assert progress.steps["runtime postgres"].said[-1].startswith("Python 3.11, 5 packages")


def test_git_leaves_a_new_cache_alone(tmp_path: Path, tools: Tools, progress: RecordedProgress) -> None:
    """A cache inside of a repository is no change of it; in a folder that was used before nothing is written."""
    new, used = tmp_path / "new", tmp_path / "used"
    used.mkdir()
    (used / "precious.txt").touch()

    for cache_dir in (new, used):
        ensure(["postgres"], progress=progress, cache_dir=cache_dir, tools=tools)

    assert (new / ".gitignore").read_text() == "*\n"
    assert sorted(path.name for path in used.iterdir()) == ["precious.txt", "runtimes"]


def test_warm_starts_nothing(cache_dir: Path, tools: Tools, uv: FakeUv, progress: RecordedProgress) -> None:
    """With everything built no command is run."""
    ensure(["postgres", "moto"], progress=progress, cache_dir=cache_dir, tools=tools)
    commands = len(uv.commands)

    ensure(["postgres", "moto"], progress=progress, cache_dir=cache_dir, tools=tools)

    assert len(uv.commands) == commands


def test_finishes(cache_dir: Path, tools: Tools, uv: FakeUv, progress: RecordedProgress) -> None:
    """A runtime with a finishing script runs it with its own interpreter, before it is in its place."""
    ensure(["localstack"], progress=progress, cache_dir=cache_dir, tools=tools)

    script = RUNTIMES["localstack"].finish_file
    assert script is not None and script.is_file()
    run = uv.commands[-1]
    assert run[0] == "run"
    assert run[-1] == str(script)
    assert BUILDING_PREFIX in run[run.index("--python") + 1]


def test_unfinished_leaves_nothing(cache_dir: Path, tools: Tools, uv: FakeUv, progress: RecordedProgress) -> None:
    """A finishing script that fails is an error with its words, and no runtime."""
    uv.on_run = Outcome(returncode=1, lines=("ModuleNotFoundError: No module named 'localstack'",))

    with pytest.raises(SandboxError, match="localstack could not be built") as caught:
        ensure(["localstack"], progress=progress, cache_dir=cache_dir, tools=tools)

    assert "No module named 'localstack'" in caught.value.why
    assert built_folders(cache_dir) == []


def test_unknown_name(cache_dir: Path, tools: Tools, progress: RecordedProgress) -> None:
    """A name that is not registered is refused with the ones that are."""
    with pytest.raises(ConfigurationError, match=r"airflow-9\.9\.9-py3\.11") as caught:
        ensure(["airflow-9.9.9-py3.11"], progress=progress, cache_dir=cache_dir, tools=tools)

    assert "airflow-3.0.2-py3.11" in caught.value.why


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_interrupted_build_leaves_nothing(
    interruption: BaseException, cache_dir: Path, tools: Tools, uv: FakeUv, progress: RecordedProgress
) -> None:
    """An interruption in the middle of an installation removes what was begun."""

    def interrupt(_venv: Path) -> None:
        raise interruption

    uv.on_sync = interrupt
    with pytest.raises((KeyboardInterrupt, SandboxError)):
        ensure(["postgres"], progress=progress, cache_dir=cache_dir, tools=tools)

    assert built_folders(cache_dir) == []
    assert locate(RuntimeRequest(name="postgres"), cache_dir) is None


def test_killed_build_is_not_used_and_cleared_away(
    cache_dir: Path, tools: Tools, uv: FakeUv, progress: RecordedProgress
) -> None:
    """What a killed builder left is neither used nor kept by the next build, even of another runtime."""
    runtime = ensure(["postgres"], progress=progress, cache_dir=cache_dir, tools=tools)["postgres"]
    killed = runtime.path.rename(runtime.path.with_name(f"{BUILDING_PREFIX}{runtime.path.name}-0123abcd"))
    assert locate(RuntimeRequest(name="postgres"), cache_dir) is None

    ensure(["workspace"], progress=progress, cache_dir=cache_dir, tools=tools)

    assert not killed.exists()
    assert [name.split("-")[0] for name in built_folders(cache_dir)] == ["workspace"]


def test_disk_full_is_said(cache_dir: Path, tools: Tools, uv: FakeUv, progress: RecordedProgress) -> None:
    """uv's `No space left on device` becomes an error with figures and the next command; nothing is left."""
    uv.on_sync = lambda _venv: Outcome(returncode=2, lines=("error: failed", "No space left on device (os error 28)"))

    with pytest.raises(PrerequisiteMissing, match=r"disk is full.*80 MiB") as caught:
        ensure(["postgres"], progress=progress, cache_dir=cache_dir, tools=tools)

    assert "os error 28" in caught.value.why
    assert "prune" in caught.value.next_command
    assert built_folders(cache_dir) == []


def test_too_little_room_is_said_before(cache_dir: Path, tools: Tools, uv: FakeUv, progress: RecordedProgress) -> None:
    """A build that cannot fit is not begun; the figures of each runtime are shown."""
    small = dataclasses.replace(tools, free_bytes=lambda _folder: 300 * 2**20)

    with pytest.raises(PrerequisiteMissing, match=r"430 MiB needed, 300 MiB free") as caught:
        ensure(["postgres", "workspace"], progress=progress, cache_dir=cache_dir, tools=small)

    assert "postgres" in caught.value.why
    assert uv.commands == []


def test_missing_python(cache_dir: Path, tools: Tools, uv: FakeUv, progress: RecordedProgress) -> None:
    """Without a Python for the row the message names the row, what it accepts, where was looked, and what to do."""
    bare = dataclasses.replace(tools, find_pythons=no_pythons)

    with pytest.raises(PrerequisiteMissing, match=r"no Python for airflow-3\.3\.2-py3\.12") as caught:
        ensure(["airflow-3.3.2-py3.12"], progress=progress, cache_dir=cache_dir, tools=bare)

    why = caught.value.why
    assert "runs on Python 3.12" in why
    assert "on PATH: 3.9.2" in why
    assert "downloading Python 3.12 failed" in why
    assert "no download in this test" in why
    assert "uv python install 3.12" in caught.value.next_command


def test_missing_python_offline(cache_dir: Path, tools: Tools, uv: FakeUv, progress: RecordedProgress) -> None:
    """Offline nothing is downloaded."""
    bare = dataclasses.replace(tools, find_pythons=no_pythons)

    with pytest.raises(PrerequisiteMissing):
        ensure(["postgres"], progress=progress, cache_dir=cache_dir, tools=bare, offline=True)

    assert uv.commands == []


def test_network_gone(cache_dir: Path, tools: Tools, uv: FakeUv, progress: RecordedProgress) -> None:
    """A failed download shows uv's last lines and the command that goes on."""
    uv.on_sync = lambda _venv: Outcome(returncode=2, lines=("error: Failed to fetch: `x`", "cause: dns error"))

    with pytest.raises(PrerequisiteMissing, match="could not be fetched") as caught:
        ensure(["postgres"], progress=progress, cache_dir=cache_dir, tools=tools)

    assert "dns error" in caught.value.why
    assert caught.value.next_command.startswith("sandbox runtimes build postgres")


def test_one_failure_gives_up_the_others(cache_dir: Path, tools: Tools, uv: FakeUv, progress: RecordedProgress) -> None:
    """When one build fails the others end, and nothing half-made of them is left."""
    failed = threading.Event()

    def sync(venv: Path) -> Outcome | None:
        if "postgres" in venv.name:
            failed.set()
            return Outcome(returncode=1, lines=("error: broken",))
        assert failed.wait(10)
        return None

    uv.on_sync = sync
    with pytest.raises(SandboxError, match="postgres could not be built"):
        ensure(["engine-sail", "postgres"], progress=progress, cache_dir=cache_dir, tools=tools)

    assert not [name for name in built_folders(cache_dir) if name.startswith(BUILDING_PREFIX)]


def test_two_builders_build_once(cache_dir: Path, tools: Tools, uv: FakeUv, progress: RecordedProgress) -> None:
    """Two that want the same runtime at the same time get the one that the first built."""
    entered, other_waits = threading.Event(), threading.Event()
    waiting = RecordedProgress()

    def sync(_venv: Path) -> None:
        entered.set()
        assert other_waits.wait(10)

    def second() -> None:
        assert entered.wait(10)
        ensure(["postgres"], progress=waiting, cache_dir=cache_dir, tools=tools)

    uv.on_sync = sync
    thread = threading.Thread(target=second)
    thread.start()
    watcher = threading.Thread(target=_set_when_waiting, args=(waiting, other_waits))
    watcher.start()
    ensure(["postgres"], progress=progress, cache_dir=cache_dir, tools=tools)
    thread.join(10)
    watcher.join(10)

    assert uv.syncs == 1
    assert waiting.steps["runtime postgres"].said[-1] == "built by another process"


def _set_when_waiting(progress: RecordedProgress, event: threading.Event) -> None:
    def complaint() -> str:
        step = progress.steps.get("runtime postgres")
        return "" if step and any("waiting" in line for line in step.said) else "nobody waits"

    health.wait_until(complaint, timeout_seconds=10, interval_seconds=0.01)
    event.set()


def test_uninstalled_interpreter_is_built_again(
    cache_dir: Path, tools: Tools, uv: FakeUv, progress: RecordedProgress
) -> None:
    """A runtime whose Python was uninstalled is replaced."""
    runtime = ensure(["postgres"], progress=progress, cache_dir=cache_dir, tools=tools)["postgres"]
    runtime.python.unlink()
    runtime.python.symlink_to("/nowhere/python3.11")

    again = ensure(["postgres"], progress=progress, cache_dir=cache_dir, tools=tools)["postgres"]

    assert again.python.exists()
    assert uv.syncs == 2


def test_foreign_folder_stays(cache_dir: Path, tools: Tools, progress: RecordedProgress) -> None:
    """A folder in a runtime's place that is not ours is reported, not removed."""
    runtime = ensure(["postgres"], progress=progress, cache_dir=cache_dir, tools=tools)["postgres"]
    (runtime.path / SENTINEL).unlink()

    with pytest.raises(SandboxError, match="is in the way"):
        ensure(["postgres"], progress=progress, cache_dir=cache_dir, tools=tools)

    assert runtime.python.exists()


def test_project_additions_have_their_own_runtime(
    cache_dir: Path, tools: Tools, uv: FakeUv, progress: RecordedProgress
) -> None:
    """Extra packages and provider versions give a runtime beside the row's, with a derived lock compiled once."""
    name = "airflow-3.0.2-py3.11"
    request = RuntimeRequest(name=name, extra_requirements=("six",), provider_versions=(("databricks", "7.9.0"),))
    plain = ensure([name], progress=progress, cache_dir=cache_dir, tools=tools)[name]

    derived = ensure([request], progress=progress, cache_dir=cache_dir, tools=tools)[name]
    derived.python.unlink()
    ensure([request], progress=progress, cache_dir=cache_dir, tools=tools)

    assert derived.path != plain.path
    assert sum(command[:2] == ("pip", "compile") for command in uv.commands) == 1
    sentinel = read_sentinel(derived.path)
    assert sentinel is not None
    assert sentinel.extra_requirements == ("six", "databricks==7.9.0")


def test_every_size_is_given() -> None:
    """Each registered runtime has an estimate of its size."""
    assert all(spec.size_mib > 0 for spec in RUNTIMES.values())
