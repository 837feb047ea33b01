"""The generated secrets of a sandbox: made once, kept in credentials.json (mode 0600), never shown in logs."""

from __future__ import annotations

import base64
import dataclasses
import json
import secrets
from pathlib import Path

from sandbox.paths import write_private
from sandbox.services.spec import Credentials


def generate() -> Credentials:
    """Fresh secrets. The Fernet key is 32 random bytes in URL-safe base64, as `cryptography.fernet` defines it."""
    return Credentials(
        airflow_user="admin",
        airflow_password=secrets.token_urlsafe(15),
        fernet_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        jwt_secret=secrets.token_urlsafe(48),
        api_secret_key=secrets.token_urlsafe(32),
        database_password=secrets.token_urlsafe(24),
        databricks_token="dapi" + secrets.token_hex(16),
        # LocalStack takes the account from the key id; an id that starts with LKIA can never be a real account's
        aws_access_key_id="LKIA" + secrets.token_hex(8).upper(),
        aws_secret_access_key=secrets.token_urlsafe(30),
    )


def load_or_generate(path: Path) -> Credentials:
    """The secrets in `path`; generated and written there when there are none, completed when some are missing."""
    fresh = dataclasses.asdict(generate())
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    values = {name: known.get(name, value) for name, value in fresh.items()}
    if values != known:
        write_private(path, json.dumps(values, indent=1))
    return Credentials(**values)
