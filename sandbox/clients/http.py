"""What both clients share: an httpx client that retries what passes, and errors in the house's form."""

from __future__ import annotations

import json
from typing import Any

import httpx

from sandbox.errors import ServiceNotHealthy


class Api:
    """JSON over HTTP to one service; raises ServiceNotHealthy for an answer that is no success."""

    def __init__(self, *, service: str, base_url: str, headers: dict[str, str] | None = None) -> None:
        self._service = service
        # trust_env off: a proxy of the user's shell must not see loopback traffic
        self._client = httpx.Client(
            base_url=base_url,
            headers=headers,
            timeout=30.0,
            trust_env=False,
            # no connection is kept: on loopback a new one costs nothing, and a client need not be closed
            transport=httpx.HTTPTransport(retries=3, limits=httpx.Limits(max_keepalive_connections=0)),
        )

    def request(self, method: str, path: str, *, ok: tuple[int, ...] = (), **arguments: Any) -> Any:
        """Send a request; a 2xx answer's JSON is returned (None when empty), so is one whose status is in `ok`."""
        try:
            response = self._client.request(method, path, **arguments)
        except httpx.HTTPError as error:
            base = str(self._client.base_url).rstrip("/")
            raise ServiceNotHealthy(
                f"{self._service} does not answer: {method} {base}/{path.lstrip('/')}",
                why=f"{type(error).__name__}: {error}",
                next_command="sandbox status",
            ) from error
        if not response.is_success and response.status_code not in ok:
            raise ApiAnswer(self._service, method, str(response.request.url), response)
        return response.json() if response.content else None


class ApiAnswer(ServiceNotHealthy):
    """A service answered with an error status; `status_code` and `answer` hold it."""

    def __init__(self, service: str, method: str, url: str, response: httpx.Response) -> None:
        self.status_code = response.status_code
        self.answer = response.text
        super().__init__(
            f"{service} answered {response.status_code} to {method} {url}",
            why=response.text[:2000],
            next_command=f"sandbox logs {service}",
        )

    @property
    def detail(self) -> str:
        """The reason by itself, as Airflow's `{"detail": …}` holds it; else the whole answer."""
        try:
            found = json.loads(self.answer)["detail"]
        except (ValueError, KeyError, TypeError):
            return self.answer
        return found if isinstance(found, str) else self.answer
