"""Which page is where, and who may open it: whoever has the key of run_page_url, the token, or the cookie of either."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.databricks_stub.context import Services
from sandbox.databricks_stub.executed import notebook_file
from sandbox.databricks_stub.guard import opens_pages
from sandbox.databricks_stub.model import Job, JobRun, TaskRun
from sandbox.databricks_stub.pages.notebook import render_notebook
from sandbox.databricks_stub.pages.render import render
from sandbox.databricks_stub.settings import page_key
from sandbox.databricks_stub.states import Result

LISTED_RUNS = 100
COOKIE_SECONDS = 30 * 24 * 3600
MAX_FORM_BYTES = 10_000

Page = Callable[[Services, Request, str], str | None]


def page_routes(services: Services) -> list[Route]:
    """The pages of a workspace."""
    return [
        Route("/", _endpoint(services, _home)),
        Route("/jobs/{job_id:int}", _endpoint(services, _job)),
        Route("/jobs/{job_id:int}/runs/{run_id:int}", _endpoint(services, _run)),
        Route("/login", _login(services), methods=["POST"]),
    ]


def _endpoint(services: Services, page: Page) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        token = services.settings.token
        by_link = opens_pages(request.query_params.get("o"), token)
        if not by_link and not opens_pages(request.cookies.get(_cookie_name(services)), token):
            return _html(render("login.html", next=request.url.path, wrong=False, live=False), status=401)
        nonce = secrets.token_urlsafe(16)
        found = await run_in_threadpool(page, services, request, nonce)
        if found is None:
            return _html(render("missing.html", live=False), status=404)
        response = _html(found, nonce=nonce)
        if by_link:
            _remember(response, services)
        return response

    return endpoint


def _login(services: Services) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > MAX_FORM_BYTES:
                return _html(render("login.html", next="/", wrong=True, live=False), status=413)
        form = parse_qs(body.decode(errors="replace"))
        target = form.get("next", ["/"])[0]
        if not target.startswith("/") or target.startswith("//") or "\\" in target:
            target = "/"
        if not hmac.compare_digest(form.get("token", [""])[0].encode(), services.settings.token.encode()):
            return _html(render("login.html", next=target, wrong=True, live=False), status=403)
        response = RedirectResponse(target, status_code=303)
        _remember(response, services)
        return response

    return endpoint


def _cookie_name(services: Services) -> str:
    # Cookies are not kept apart by port: two sandboxes on one machine need two names.
    return f"workspace_{services.settings.port}"


def _remember(response: Response, services: Services) -> None:
    key = page_key(services.settings.token)
    response.set_cookie(_cookie_name(services), key, max_age=COOKIE_SECONDS, httponly=True, samesite="lax")


def _html(page: str, *, status: int = 200, nonce: str = "") -> HTMLResponse:
    scripts = f"'nonce-{nonce}'" if nonce else "'none'"
    policy = (
        f"default-src 'none'; script-src {scripts}; connect-src 'self'; img-src data:; style-src 'unsafe-inline'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return HTMLResponse(page, status_code=status, headers=headers)


def _home(services: Services, request: Request, nonce: str) -> str:
    runs = services.workspace.runs
    jobs = services.catalog.all(despite_errors=True)
    pairs = [(job, next(iter(runs.job_runs(job_id=job.job_id, limit=1)), None)) for job in jobs]
    return render(
        "home.html",
        jobs=pairs,
        runs=runs.job_runs(limit=LISTED_RUNS),
        bundle_error=services.watcher.current().error,
        now_ms=services.clock.now_ms(),
        live=True,
        nonce=nonce,
    )


def _job(services: Services, request: Request, nonce: str) -> str | None:
    job_id = int(request.path_params["job_id"])
    found: list[Job] = [job for job in services.catalog.all(despite_errors=True) if job.job_id == job_id]
    runs = services.workspace.runs.job_runs(job_id=job_id, limit=LISTED_RUNS)
    if not found and not runs:
        return None
    job = found[0] if found else None
    name = job.settings["name"] if job else runs[0].run_name
    now_ms = services.clock.now_ms()
    return render("job.html", job=job, name=name, runs=runs, now_ms=now_ms, live=True, nonce=nonce)


def _run(services: Services, request: Request, nonce: str) -> str | None:
    store = services.workspace.runs
    run_id = int(request.path_params["run_id"])
    now_ms = services.clock.now_ms()
    task = store.task_run(run_id)
    run = store.job_run(run_id if task is None else task.job_run_id)
    if run is None or run.job_id != request.path_params["job_id"]:
        return None
    if task is not None:
        path = notebook_file(services.settings.state_dir, run, task)
        return render_notebook(run, task, path, now_ms=now_ms, nonce=nonce)
    attempts = store.attempts(run.run_id)
    current = {attempt.task_key: attempt for attempt in attempts}
    return render(
        "run.html",
        run=run,
        rows=[_row(run, attempt, now_ms) for attempt in current.values()],
        earlier=[attempt for attempt in attempts if attempt is not current[attempt.task_key]],
        now_ms=now_ms,
        live=not run.state.is_terminal,
        nonce=nonce,
    )


def _row(run: JobRun, task: TaskRun, now_ms: int) -> dict[str, Any]:
    definition: dict[str, Any] = next((item for item in run.settings["tasks"] if item["task_key"] == task.task_key), {})
    begin = run.start_time or run.created_time
    span = max(1, (run.end_time or now_ms) - begin)
    left = width = 0.0
    if task.start_time is not None:
        left = min(99.0, max(0.0, 100 * (task.start_time - begin) / span))
        width = min(100 - left, max(0.5, 100 * ((task.end_time or now_ms) - task.start_time) / span))
    return {
        "task": task,
        "depends_on": [item["task_key"] for item in definition.get("depends_on") or ()],
        "linked": task.start_time is not None,
        "why": "" if task.state.result in {None, Result.SUCCESS} else task.outcome.error or task.state.message,
        "left": round(left, 2),
        "width": round(width, 2),
    }
