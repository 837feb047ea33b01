"""The warm process is replaced when it has died, and its children's ends are told; a script plays its part."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.databricks_stub.notebook.zygote import Zygote, ZygoteDied

WAIT_SECONDS = 20.0

PLAYED = """#!{python}
import json, os, signal, sys, threading
def tell_the_end_of(pid):
    _, status = os.waitpid(pid, 0)
    print(json.dumps({{"exited": pid, "code": os.waitstatus_to_exitcode(status)}}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if asked["fork"].get("die"):
        os._exit(1)
    pid = os.fork()
    if not pid:
        os.setpgid(0, 0)
        os.close(1)
        if "exit" in asked["fork"]:
            os._exit(asked["fork"]["exit"])
        signal.pause()
        os._exit(0)
    print(json.dumps({{"id": asked["id"], "pid": pid}}), flush=True)
    threading.Thread(target=tell_the_end_of, args=(pid,), daemon=True).start()
"""


@pytest.fixture
def zygote(tmp_path: Path) -> Iterator[Zygote]:
    script = tmp_path / "python"
    script.write_text(PLAYED.format(python=sys.executable))
    script.chmod(0o700)
    made = Zygote(python=script, log=tmp_path / "log", setup={})
    yield made
    made.close()


def test_a_child_that_exits_is_told_with_its_code(zygote: Zygote) -> None:
    child = zygote.fork({"exit": 3})
    assert child.ended.wait(WAIT_SECONDS)
    assert child.how_it_ended() == "ended with exit code 3"


def test_a_killed_child_is_told_with_the_signal(zygote: Zygote) -> None:
    child = zygote.fork({})
    child.kill()
    assert child.ended.wait(WAIT_SECONDS)
    assert child.how_it_ended() == "was killed by SIGKILL"
    child.kill()
    child.interrupt()


def test_a_killed_process_ends_its_children_and_is_replaced_at_the_next_fork(zygote: Zygote) -> None:
    child = zygote.fork({})
    first = zygote.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    again = zygote.fork({"exit": 0})
    assert zygote.pid != first
    assert child.ended.wait(WAIT_SECONDS)
    assert "together with the process" in child.how_it_ended()
    assert again.ended.wait(WAIT_SECONDS)
    assert again.code == 0


def test_a_process_that_dies_at_every_request_is_an_error(zygote: Zygote) -> None:
    with pytest.raises(ZygoteDied, match=r"see .*log"):
        zygote.fork({"die": True})


def test_an_interpreter_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZygoteDied, match="cannot be started"):
        Zygote(python=tmp_path / "none", log=tmp_path / "log", setup={}).fork({})


def test_a_closed_one_starts_nothing_more(zygote: Zygote) -> None:
    zygote.fork({"exit": 0})
    zygote.close()
    with pytest.raises(ZygoteDied, match="stopping"):
        zygote.fork({})
