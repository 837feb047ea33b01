"""Guard: who may ask at all. Refuses foreign Host headers and wrong tokens before anything else happens."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Collection

from sandbox.databricks_stub.errors import ApiError, no_credentials, wrong_token
from sandbox.databricks_stub.settings import page_key

LOOPBACK_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.IGNORECASE)


def check_host(host: str | None, peer_hosts: Collection[str] = ()) -> None:
    """Refuse a request whose Host is no loopback name: any web site in a browser could send it (DNS rebinding).

    `peer_hosts` are the names by which other containers of the same sandbox reach this one.
    """
    if host is not None and host.partition(":")[0] in peer_hosts:
        return
    if host is None or LOOPBACK_HOST.fullmatch(host) is None:
        raise ApiError(
            421, "INVALID_HOST", f"Host {host!r} is refused: this workspace is reached as 127.0.0.1 or localhost only."
        )


def check_token(authorization: str | None, token: str) -> None:
    """Refuse a request without this workspace's token, as a bearer token or as the password of the user `token`."""
    scheme, _, value = (authorization or "").partition(" ")
    given: str
    match scheme.lower():
        case "bearer":
            given = value.strip()
        case "basic":
            # Documented: a personal access token may be the password of the user "token" in basic authentication.
            given = _password(value)
        case _:
            raise no_credentials()
    if not given:
        raise no_credentials()
    if not hmac.compare_digest(given.encode(), token.encode()):
        raise wrong_token()


def opens_pages(key: str | None, token: str) -> bool:
    """Whether this is the key that run_page_url carries."""
    return key is not None and hmac.compare_digest(key.encode(), page_key(token).encode())


def _password(value: str) -> str:
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return password if user == "token" else ""
