"""ApiError: what a handler raises; one place turns it into Databricks's error envelope.

The codes are Databricks's own; https://docs.databricks.com/api lists them per endpoint.
"""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A refusal with an HTTP status, an `error_code` and a `message`, as clients of Databricks parse it."""

    def __init__(self, status: int, error_code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code
        self.message = message

    @property
    def envelope(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"error_code": self.error_code, "message": self.message}


def invalid_parameter(message: str) -> ApiError:
    """A request whose parameters cannot be used."""
    return ApiError(400, "INVALID_PARAMETER_VALUE", message)


def invalid_state(message: str) -> ApiError:
    """A request that the present state of the resource does not allow."""
    return ApiError(400, "INVALID_STATE", message)


def malformed(message: str) -> ApiError:
    """A body that is not the JSON object it should be."""
    return ApiError(400, "MALFORMED_REQUEST", message)


def not_found(message: str) -> ApiError:
    """A resource that does not exist."""
    return ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)


def no_such_job(job_id: int) -> ApiError:
    """A job that does not exist."""
    # Measured by the vendor's SDK team (errors/overrides.py of databricks-sdk-py) for jobs/get, and seen in logs of
    # run-now: no 404, and clients look for these words.
    return invalid_parameter(f"Job {job_id} does not exist.")


def already_exists(message: str) -> ApiError:
    """A resource that exists and may not be overwritten."""
    return ApiError(400, "RESOURCE_ALREADY_EXISTS", message)


def no_credentials() -> ApiError:
    """A request without a token."""
    # Documented: Databricks answers 401 with this text when no credential came with the request.
    return ApiError(401, "401", "Credential was not sent or was of an unsupported type for this API.")


def wrong_token() -> ApiError:
    """A request with a token that is not this workspace's."""
    # Documented: Databricks answers 403 with this text for an unknown personal access token.
    return ApiError(403, "403", "Invalid access token.")


def not_implemented(method: str, path: str) -> ApiError:
    """An endpoint that this fake lacks; never a quiet 404, so that nobody hunts a missing resource."""
    message = (
        f"No API found for '{method} {path}': this fake workspace has no such route. "
        "Add one function in handlers/ and one line in ROUTES of sandbox/databricks_stub/routes.py."
    )
    return ApiError(501, "NOT_IMPLEMENTED", message)
