"""The route of the protocol in the application: who may call, and what is called."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.databricks_stub.answering import REASON_HEADER, answering, read_body
from sandbox.databricks_stub.context import Services
from sandbox.databricks_stub.guard import check_token

if TYPE_CHECKING:
    from sandbox.databricks_stub.warehouse_protocol.service import WarehouseService

PATHS = (
    "/sql/1.0/warehouses/{warehouse_id}",
    "/sql/1.0/endpoints/{warehouse_id}",
    # of all-purpose clusters, where they are not reached as warehouses
    "/sql/protocolv1/o/{workspace_id}/{cluster_id}",
)
"""Every id names the one warehouse, as production's ids differ from team to team."""
OK = 200
CONTENT_TYPE = "application/x-thrift"


def protocol_routes(services: Services, log: Callable[[str], None]) -> list[Route]:
    """The routes; the codec is imported with the first call."""
    door = _Door(services, log)
    return [Route(path, door.endpoint, methods=["POST"]) for path in PATHS]


class _Door:
    def __init__(self, services: Services, log: Callable[[str], None]) -> None:
        self._services = services
        self._log = log
        self._lock = threading.Lock()
        self._service: WarehouseService | None = None

    async def endpoint(self, request: Request) -> Response:
        """One call."""

        async def answer() -> Response:
            check_token(request.headers.get("authorization"), self._services.settings.token)
            body = await read_body(request)
            return Response(await run_in_threadpool(self._answer, body), media_type=CONTENT_TYPE)

        answered = await answering(request, self._log, answer)
        # a body that is no Thrift only confuses: clients would report it beside the words in the header
        return answered if answered.status_code == OK else Response(None, answered.status_code, _reason(answered))

    def _answer(self, body: bytes) -> bytes:
        from sandbox.databricks_stub.warehouse_protocol.codec import answer
        from sandbox.databricks_stub.warehouse_protocol.service import WarehouseService

        with self._lock:
            self._service = self._service or WarehouseService(self._services, self._log)
        return answer(body, self._service.methods)


def _reason(refusal: Response) -> dict[str, str]:
    return {REASON_HEADER: refusal.headers.get(REASON_HEADER, "")}
