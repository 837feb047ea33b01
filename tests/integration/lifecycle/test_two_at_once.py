"""Two sandboxes side by side, a second `up` at the same time, Ctrl-C, busy ports."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox import health
from sandbox.ports import is_free
from sandbox.supervisor import ownership
from tests.driver import Cli, copy_project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lifecycle")]
PATIENCE_SECONDS = 60.0


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_project(tmp_path / "project")


@pytest.fixture
def cli(project: Path) -> Iterator[Cli]:
    cli = Cli(project=project)
    yield cli
    cli("down", expect=None)


def test_two_sandboxes_do_not_meet(cli: Cli) -> None:
    """A second name gets ports of its own, and taking it down leaves the first one alone."""
    other = Cli(project=cli.project, name="other")
    cli("up")
    try:
        other("up")
        assert not set(cli.context.ports.values()) & set(other.context.ports.values())
    finally:
        other("down")

    assert cli("status", "--json").value["healthy"]


def test_large_objects_lie_beside_their_own_sandbox(cli: Cli) -> None:
    """LocalStack keeps no part in a folder that other sandboxes and other users of the machine share."""
    cli("up")
    client = cli.bucket("data-platform").meta.client
    upload = client.create_multipart_upload(Bucket="data-platform", Key="large")
    client.upload_part(**_part(upload), Body=b"x" * 1024 * 1024)

    folders = {Path(file).parent for file in _open_files(cli, "s3") if str(upload["UploadId"]) in file}

    assert folders
    assert all(folder.is_relative_to(cli.paths.root) for folder in folders), folders


def _part(upload: Mapping[str, Any]) -> dict[str, Any]:
    return {name: upload[name] for name in ("Bucket", "Key", "UploadId")} | {"PartNumber": 1}


def _open_files(cli: Cli, service: str) -> list[str]:
    """What the service's process has open, deleted files too."""
    (pid,) = [each["pid"] for each in cli.status()["services"] if each["name"] == service]
    return [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]


def test_a_second_up_waits_for_the_first(cli: Cli) -> None:
    """Both end well, and there is one supervisor."""
    first, second = cli.start("up"), cli.start("up")
    outputs = [process.communicate(timeout=300) for process in (first, second)]

    assert [first.returncode, second.returncode] == [0, 0], outputs
    assert any("another command is at work" in err for _, err in outputs)
    assert cli("status", "--json").value["healthy"]


@pytest.mark.parametrize("after_seconds", [0.3, 1.5, 3.0])
def test_ctrl_c_takes_down_what_was_started(cli: Cli, after_seconds: float) -> None:
    """Interrupted at any moment, `up` ends with 130 and nothing of the sandbox is left."""
    process = cli.start("up")
    deadline = time.monotonic() + after_seconds
    health.wait_until(lambda: "" if time.monotonic() > deadline else "not yet", timeout_seconds=10)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    # before Python has set up its handler, the signal itself ends the process; a shell shows 130 for both
    assert process.returncode in (130, -signal.SIGINT), (out, err)
    assert ownership.marked(cli.paths.instance_id) == []
    assert not cli.paths.state_file.exists()


def kill_up_in_the_middle(cli: Cli) -> None:
    """Start `up`, and kill it with -9 when its services are being started."""
    process = cli.start("up")
    health.wait_until(
        lambda: "" if cli.paths.state_file.exists() else "not started yet", timeout_seconds=PATIENCE_SECONDS
    )
    process.kill()
    process.communicate()


def test_a_killed_up_leaves_nothing(cli: Cli) -> None:
    """After kill -9 of `up` itself what it had started ends by itself, and its sockets and state go."""
    kill_up_in_the_middle(cli)

    def complaint() -> str:
        left = [process.pid for process in ownership.marked(cli.paths.instance_id)]
        return f"these run on: {left}" if left else ""

    health.wait_until(complaint, timeout_seconds=PATIENCE_SECONDS)

    assert not cli.paths.state_file.exists()
    assert not cli.paths.runtime.exists()
    assert "is not up" in cli("status", expect=5).err


def test_up_after_a_killed_up(cli: Cli) -> None:
    """The next `up` waits until the remains of the killed one are gone, then starts a sandbox that stays."""
    kill_up_in_the_middle(cli)

    cli("up")

    assert cli("status", "--json").value["healthy"]


def test_a_supervisor_that_replaces_a_killed_one_stays_when_its_up_is_killed(cli: Cli) -> None:
    """A sandbox that was up before is never taken down by the death of an `up` that repairs it."""
    cli("up")
    before = {name: state.pid for name, state in cli.state.services.items()}
    os.kill(cli.state.pid, signal.SIGKILL)
    killed = cli.state.pid
    process = cli.start("up")
    health.wait_until(lambda: "" if cli.state.pid != killed else "not yet", timeout_seconds=PATIENCE_SECONDS)
    process.kill()
    process.communicate()

    cli("up")

    assert {name: state.pid for name, state in cli.state.services.items()} == before


def test_a_busy_port_that_was_asked_for_is_an_error(cli: Cli) -> None:
    """The message names the port, the setting and who holds it; nothing is started."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        busy = Cli(project=cli.project, env={"SANDBOX_S3_PORT": str(port)})
        done = busy("up", expect=2)

    assert f"port {port} of S3 (s3.port) is busy" in done.err
    assert f"(pid {os.getpid()})" in done.err
    assert ownership.marked(cli.paths.instance_id) == []


def test_moto_serves_s3_where_it_is_chosen(cli: Cli) -> None:
    """`s3.implementation = "moto"` runs moto instead of LocalStack."""
    chosen = Cli(project=cli.project, env={"SANDBOX_S3_IMPLEMENTATION": "moto"})
    chosen("up")

    assert "moto" in chosen.context.config.s3.implementation
    assert not is_free(chosen.context.ports["s3"])
    assert chosen("status", "--json").value["healthy"]
