"""The settings of the ingestion, read from Airflow Variables when a task runs, never when a DAG file is parsed.

| Variable | default | meaning |
|---|---|---|
| `data_bucket` | none: required | the S3 bucket |
| `data_prefix` | `raw/` | where in the bucket; the volume that the notebooks read lies over it |
| `stack_exchange_site` | none: required | the site, e.g. `academia.stackexchange.com`; a conf `{"site": …}` wins |
| `stack_exchange_base_url` | `https://archive.org/download/stackexchange/` | where `<site>.7z` lies |
| `stack_exchange_max_archive_bytes` | 64 GiB | larger downloads are refused |
| `stack_exchange_max_unpacked_bytes` | 512 GiB | archives that declare or contain more are refused |
| `stack_exchange_max_ratio` | 100 | archives that unpack to more than this times their size are refused |
| `stack_exchange_keep_snapshots` | 3 | how many snapshots of a site stay in the bucket |
| `stack_exchange_temp_folder` | the system's | where the archive lies while it is read: its size must be free there |

Connection `aws_conn`: the account that may read, write and list the prefix.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from stack_exchange.errors import BadInput

DEFAULT_BASE_URL = "https://archive.org/download/stackexchange/"
_GIB = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The values of one dag_run."""

    site: str
    bucket: str
    prefix: str = "raw/"
    base_url: str = DEFAULT_BASE_URL
    max_archive_bytes: int = 64 * _GIB
    max_unpacked_bytes: int = 512 * _GIB
    max_ratio: int = 100
    keep_snapshots: int = 3
    temp_folder: str | None = None

    @property
    def archive_url(self) -> str:
        """Where the site's dump is."""
        return f"{self.base_url}{self.site}.7z"

    @property
    def manifest_key(self) -> str:
        """The one object that says which snapshot is current."""
        return f"{self.prefix}current.json"


def read(get: Callable[[str], str | None], *, site: str | None = None) -> Settings:
    """Read all settings through `get` (an Airflow Variable's value or None); every problem is reported at once."""
    problems: list[str] = []

    def text(name: str, default: str | None = None) -> str:
        value = (get(name) or "").strip() or default
        if value is None:
            problems.append(f"the Variable {name} is not set")
        return value or ""

    def number(name: str, default: int) -> int:
        value = text(name, str(default))
        if not re.fullmatch(r"[1-9][0-9]*", value):
            problems.append(f"the Variable {name} is {value!r}, not a positive whole number")
            return default
        return int(value)

    settings = Settings(
        site=site or text("stack_exchange_site"),
        bucket=text("data_bucket"),
        prefix=_folder(text("data_prefix", "raw/")),
        base_url=_folder(text("stack_exchange_base_url", DEFAULT_BASE_URL)),
        max_archive_bytes=number("stack_exchange_max_archive_bytes", Settings.max_archive_bytes),
        max_unpacked_bytes=number("stack_exchange_max_unpacked_bytes", Settings.max_unpacked_bytes),
        max_ratio=number("stack_exchange_max_ratio", Settings.max_ratio),
        keep_snapshots=number("stack_exchange_keep_snapshots", Settings.keep_snapshots),
        temp_folder=get("stack_exchange_temp_folder") or None,
    )
    if settings.site and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", settings.site):
        problems.append(f"the site {settings.site!r} is not a host name")
    if not re.match(r"https?://[^/]+/", settings.base_url):
        problems.append(f"the Variable stack_exchange_base_url is {settings.base_url!r}, not an http(s) address")
    if problems:
        raise BadInput(
            "the settings are not usable",
            why="; ".join(problems),
            next_step="set the Variables (Admin, Variables; or `airflow variables set NAME VALUE`) and clear this task",
        )
    return settings


def _folder(value: str) -> str:
    return value.rstrip("/") + "/" if value else value
