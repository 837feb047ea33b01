"""What a backend remembers of the settings is what they were."""

from __future__ import annotations

import json

import pytest

from sandbox.config import Config
from sandbox.services.stored import to_plain


@pytest.mark.parametrize("given", [{}, {"project": {"bundle": "databricks.yml"}}])
def test_settings_come_back_with_what_was_set(given: dict[str, object]) -> None:
    """A default that somebody has written down is no default: a bundle that is named must be there."""
    config = Config.model_validate(given)

    back = Config.model_validate(json.loads(json.dumps(to_plain(config))))

    assert back == config
    assert back.project.model_fields_set == config.project.model_fields_set
