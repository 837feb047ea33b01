"""What every endpoint does around its own work: read the body, and turn refusals and bugs into Databricks' envelope."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.databricks_stub.errors import ApiError

# Documented: https://docs.databricks.com/reference/jobs-2.0-api.html - a request to the Jobs API has at most 10 MB.
MAX_BODY_BYTES = 16 * 1024 * 1024
REASON_HEADER = "x-databricks-reason-phrase"
"""Where databricks-sql-connector looks for the words of a refusal."""


async def answering(
    request: Request, log: Callable[[str], None], answer: Callable[[], Awaitable[Response]]
) -> Response:
    """The answer, or the refusal that it raised; what nobody foresaw is logged with its traceback."""
    try:
        return await answer()
    except ApiError as error:
        return refused(error)
    except sqlite3.OperationalError as error:
        return refused(ApiError(503, "TEMPORARILY_UNAVAILABLE", f"The workspace's database cannot be used: {error}"))
    except Exception as error:  # a client of Databricks expects its envelope even for our bugs
        log(f"{request.method} {request.url.path}\n{traceback.format_exc()}")
        return refused(ApiError(500, "INTERNAL_ERROR", f"The sandbox failed: {error!r}; its log has the traceback."))


async def read_body(request: Request) -> bytes:
    """The whole body; raises ApiError for one that is too large."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise ApiError(413, "REQUEST_TOO_LARGE", f"The body is larger than {MAX_BODY_BYTES} bytes.")
    return bytes(body)


def refused(error: ApiError) -> JSONResponse:
    """A refusal as clients parse it."""
    # a header has one line of latin-1
    phrase = " ".join(error.message.split()).encode("latin-1", "replace").decode("latin-1")
    return JSONResponse(error.envelope, status_code=error.status, headers={REASON_HEADER: phrase})
