"""build_app: the workspace as an ASGI application over given services; no globals."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as AsgiRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.databricks_stub import bodies
from sandbox.databricks_stub.answering import answering, read_body, refused
from sandbox.databricks_stub.context import Call, Services
from sandbox.databricks_stub.errors import ApiError, not_implemented
from sandbox.databricks_stub.guard import check_host, check_token
from sandbox.databricks_stub.pages.views import page_routes
from sandbox.databricks_stub.routes import ROUTES, Route
from sandbox.databricks_stub.warehouse_protocol.endpoint import protocol_routes

SLASHES = re.compile("/{2,}")
Endpoint = Callable[[Request], Awaitable[Response]]


def build_app(services: Services, log: Callable[[str], None]) -> ASGIApp:
    """The application: every route of ROUTES, the protocol of warehouses, the pages, and 501 for all else."""
    routes = [route for item in ROUTES for route in _asgi_routes(item, services, log)]
    routes += protocol_routes(services, log)
    routes += page_routes(services)
    routes.append(
        AsgiRoute("/{path:path}", _unknown(services), methods=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
    )
    return _Gate(Starlette(routes=routes), services.settings.peer_hosts)


class _Gate:
    """Before any routing: refuses foreign hosts, and takes paths with or without a slash at the end."""

    def __init__(self, inner: ASGIApp, peer_hosts: tuple[str, ...]) -> None:
        self._inner = inner
        self._peer_hosts = peer_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                check_host(Request(scope).headers.get("host"), self._peer_hosts)
            except ApiError as error:
                await refused(error)(scope, receive, send)
                return
            # The SDKs call some endpoints with a slash at the end, others without; the provider calls repos//<id>.
            scope = {**scope, "path": SLASHES.sub("/", scope["path"]).rstrip("/") or "/"}
        await self._inner(scope, receive, send)


def _asgi_routes(route: Route, services: Services, log: Callable[[str], None]) -> list[AsgiRoute]:
    paths = {version: f"/api/{version}{route.path}" for version in route.api_versions} or {"": route.path}
    return [
        AsgiRoute(path, _endpoint(route, version, services, log), methods=[route.method])
        for version, path in paths.items()
    ]


def _endpoint(route: Route, version: str, services: Services, log: Callable[[str], None]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        async def answer() -> Response:
            if not route.public:
                check_token(request.headers.get("authorization"), services.settings.token)
            body = bodies.parse(request.headers.get("content-type", ""), await read_body(request))
            path_values = {key: str(value) for key, value in request.path_params.items()}
            values = dict(request.query_params) | body
            call = Call(services=services, version=version, path_values=path_values, values=values)
            return JSONResponse(await run_in_threadpool(route.handler, call))

        return await answering(request, log, answer)

    return endpoint


def _unknown(services: Services) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            check_token(request.headers.get("authorization"), services.settings.token)
        except ApiError as error:
            return refused(error)
        return refused(not_implemented(request.method, request.url.path))

    return endpoint
