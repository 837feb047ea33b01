"""stack_exchange.settings: Airflow Variables as typed values."""

from __future__ import annotations

import pytest
from stack_exchange import settings
from stack_exchange.errors import BadInput

MINIMUM = {"stack_exchange_site": "academia.stackexchange.com", "data_bucket": "lake"}


def test_two_variables_are_enough() -> None:
    """The rest has defaults that suit the real host."""
    found = settings.read(MINIMUM.get)

    assert found.archive_url == "https://archive.org/download/stackexchange/academia.stackexchange.com.7z"
    assert found.manifest_key == "raw/current.json"
    assert found.temp_folder is None


def test_the_site_of_the_dag_run_wins() -> None:
    """A conf replaces the Variable, which may even be missing."""
    found = settings.read({"data_bucket": "lake"}.get, site="other.example")

    assert found.site == "other.example"


def test_folders_end_with_one_slash() -> None:
    """However they are written; an empty prefix stays empty... as the default."""
    values = MINIMUM | {"data_prefix": "bronze/in", "stack_exchange_base_url": "http://127.0.0.1:1/x//"}

    found = settings.read(values.get)

    assert (found.prefix, found.base_url) == ("bronze/in/", "http://127.0.0.1:1/x/")


def test_all_problems_are_told_at_once() -> None:
    """Missing, not a number, not an address, not a host name."""
    values = {
        "stack_exchange_site": "../etc",
        "stack_exchange_base_url": "archive.org",
        "stack_exchange_max_ratio": "many",
        "stack_exchange_keep_snapshots": "0",
    }

    with pytest.raises(BadInput) as caught:
        settings.read(values.get)

    message = str(caught.value)
    assert "data_bucket is not set" in message
    assert "'../etc' is not a host name" in message
    assert "stack_exchange_max_ratio is 'many'" in message
    assert "stack_exchange_keep_snapshots is '0'" in message
    assert "'archive.org/', not an http(s) address" in message
    assert "Next: set the Variables" in message
