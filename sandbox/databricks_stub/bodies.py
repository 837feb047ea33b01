"""Bodies of requests as values: JSON objects, and the forms in which SDKs upload files."""

from __future__ import annotations

import base64
import email.policy
import json
from email.parser import BytesParser
from typing import Any

from sandbox.databricks_stub.errors import malformed

FORM = "multipart/form-data"


def parse(content_type: str, body: bytes) -> dict[str, Any]:
    """The values of a body; an uploaded `content` comes as base64, as it would in JSON.

    A field that is null counts as left out, at any depth. Raises ApiError for what is no JSON object.
    """
    if content_type.lower().startswith(FORM):
        return _form(content_type, body)
    if not body.strip():
        return {}
    try:
        found = json.loads(body)
    except ValueError as error:
        raise malformed(f"The body is not JSON: {error}") from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise malformed("The body must be a JSON object")
    # Documented: https://protobuf.dev/programming-guides/json - a null is a field that was not set; clients in Java and
    # Python send their empty fields so.
    return dict(without_nulls(found))


def without_nulls(value: Any) -> Any:
    """The value without the fields of its objects that are null; items of lists stay."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def _form(content_type: str, body: bytes) -> dict[str, Any]:
    header = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = BytesParser(policy=email.policy.HTTP).parsebytes(header + body)
    if not message.is_multipart():
        raise malformed("The body is not the form that its content type promises")
    values: dict[str, Any] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(content, bytes):
            raise malformed("A part of the form has no name")
        values[name] = base64.b64encode(content).decode() if name == "content" else content.decode(errors="replace")
    return values
