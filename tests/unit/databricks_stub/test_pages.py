"""The pages: who may open them, what they show, what they never do."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from sandbox.databricks_stub.settings import page_key
from tests.unit.databricks_stub.fakes import TOKEN, Harness, task

CELLS = [
    {"cell_type": "markdown", "source": "# A *title*\n<script>alert(1)</script>"},
    {
        "cell_type": "code",
        "source": "print('<b>')",
        "outputs": [
            {"output_type": "stream", "name": "stdout", "text": "<i>printed</i>"},
            {"output_type": "display_data", "data": {"text/html": "<table><tr><td>cell</td></tr></table>"}},
            {"output_type": "display_data", "data": {"image/png": "aGVsbG8=\n"}},
        ],
    },
    {
        "cell_type": "code",
        "source": "%sql\nselect 1",
        "outputs": [{"output_type": "error", "ename": "E", "evalue": "e", "traceback": ["\x1b[31mE\x1b[0m: e"]}],
    },
]


@pytest.fixture
def ended(harness: Harness) -> dict[str, Any]:
    """A run of two tasks, one of them failed."""
    harness.runner.outcomes["bad"] = [
        {"succeeded": False, "error": "E: e", "failed_notebook_cell": 3, "cells": list(CELLS)}
    ]
    return harness.ended(harness.submit(task("good"), task("bad", "good"), run_name="<once>"))


def path_of(address: str) -> str:
    """An address without its host."""
    return address.removeprefix("http://127.0.0.1:8090")


def test_pages_need_their_key(harness: Harness, ended: dict[str, Any]) -> None:
    """A link without or with a wrong key asks for the token and shows nothing."""
    address = path_of(ended["run_page_url"]).partition("?")[0]

    for wrong in (address, f"{address}?o=1234", "/", "/jobs/1"):
        answer = harness.browser().get(wrong)
        assert answer.status_code == 401
        assert "once" not in answer.text


def test_the_link_of_a_run_opens_all_pages(harness: Harness, ended: dict[str, Any]) -> None:
    """It sets a cookie of this workspace's own name, with which links need no key."""
    visitor = harness.browser()

    first = visitor.get(path_of(ended["run_page_url"]))
    home = visitor.get("/")

    assert first.status_code == home.status_code == 200
    cookie = first.headers["set-cookie"]
    assert cookie.startswith("workspace_8090=")
    assert "HttpOnly" in cookie
    assert "&lt;once&gt;" in home.text
    assert "<once>" not in home.text


def test_the_page_of_a_run(harness: Harness, ended: dict[str, Any]) -> None:
    """States, timings, what waits on what, the error, links to the notebooks."""
    page = harness.browser().get(path_of(ended["run_page_url"])).text

    for task_run in ended["tasks"]:
        assert f"/runs/{task_run['run_id']}" in page
    for words in ("SUCCESS", "FAILED", "E: e", "Task bad failed with message"):
        assert words in page
    assert "<script nonce" not in page


def test_the_page_of_a_notebook(harness: Harness, ended: dict[str, Any]) -> None:
    """Sources escaped, HTML outputs as they came, images inside, errors without colour codes, nothing from outside."""
    page = harness.browser().get(path_of(ended["tasks"][1]["run_page_url"]))

    assert "&lt;i&gt;printed&lt;/i&gt;" in page.text
    assert "<td>cell</td>" in page.text
    assert "data:image/png;base64,aGVsbG8=" in page.text
    assert "E: e" in page.text
    assert "\x1b" not in page.text
    assert 'class="cell failed" id="cell-3"' in page.text
    assert not re.findall(r"""(?:src|href)=["']?https?:""", page.text)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]


def test_a_running_run_refreshes_itself(harness: Harness) -> None:
    """With a script that the policy names; it stops when the run has ended."""
    harness.runner.hold("long")
    run_id = harness.submit(task("long"))
    harness.changes.wait_until(lambda: "long" in harness.runner.running)

    page = harness.browser().get(path_of(harness.run(run_id)["run_page_url"]))

    nonce = re.search(r"nonce-([^']+)'", page.headers["content-security-policy"])
    assert nonce is not None
    assert f'<script nonce="{nonce[1]}">' in page.text
    assert "RUNNING" in page.text


def test_a_running_notebook_shows_what_it_has_executed(harness: Harness) -> None:
    """The runner keeps its file whole after every cell."""
    harness.runner.hold("long")
    run_id = harness.submit(task("long"))
    harness.changes.wait_until(lambda: "long" in harness.runner.running)
    (harness.runner.tasks[0].output_dir / "executed.ipynb").write_text(json.dumps({"cells": CELLS}))

    page = harness.browser().get(path_of(harness.run(run_id)["tasks"][0]["run_page_url"]))

    assert "&lt;i&gt;printed&lt;/i&gt;" in page.text


def test_what_does_not_exist_is_404(harness: Harness) -> None:
    """With a way back."""
    visitor = harness.browser()

    for path in ("/jobs/1", "/jobs/1/runs/2"):
        answer = visitor.get(path, params={"o": page_key(TOKEN)})
        assert answer.status_code == 404
        assert 'href="/"' in answer.text


@pytest.mark.parametrize(
    ("target", "expected"), [("/jobs/7", "/jobs/7"), ("//evil.example", "/"), ("https://evil.example", "/")]
)
def test_the_token_logs_in(harness: Harness, target: str, expected: str) -> None:
    """And leads back to where one was, never to another site."""
    visitor = harness.browser()

    answer = visitor.post("/login", data={"token": TOKEN, "next": target}, follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (303, expected)
    assert visitor.get("/").status_code == 200


def test_a_wrong_token_does_not_log_in(harness: Harness) -> None:
    """And sets no cookie."""
    answer = harness.browser().post("/login", data={"token": "x", "next": "/"})

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_the_key_of_the_pages_is_no_token(harness: Harness) -> None:
    """It opens no endpoint."""
    answer = harness.browser().get("/api/2.1/jobs/list", headers={"Authorization": f"Bearer {page_key(TOKEN)}"})

    assert answer.status_code == 403


def test_export_gives_the_notebook_as_a_page(harness: Harness, ended: dict[str, Any]) -> None:
    """For one task; the whole run has two."""
    views = harness.get("/2.1/jobs/runs/export", run_id=ended["tasks"][1]["run_id"])["views"]

    assert (views[0]["name"], views[0]["type"]) == ("bad", "NOTEBOOK")
    assert "<td>cell</td>" in views[0]["content"]


def test_an_old_run_whose_files_are_gone_still_has_a_page(harness: Harness, ended: dict[str, Any]) -> None:
    """It says that there is no notebook."""
    for executed in (harness.settings.state_dir / "runs").rglob("executed.ipynb"):
        executed.unlink()

    page = harness.browser().get(path_of(ended["tasks"][1]["run_page_url"]))

    assert page.status_code == 200
    assert "There is no executed notebook." in page.text
