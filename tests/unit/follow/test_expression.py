"""Asset expressions: what a DAG still waits for."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.follow.expression import asset_uris, missing


def asset(uri: str) -> dict[str, Any]:
    return {"asset": {"uri": uri, "name": uri}}


BOTH = {"all": [asset("posts"), asset("users")]}
EITHER = {"any": [asset("posts"), asset("users")]}
ALIAS = {"alias": {"name": "made", "group": "asset"}}
NESTED = {"all": [EITHER, asset("tags")]}


@pytest.mark.parametrize(
    ("expression", "have", "wanting"),
    [
        (BOTH, [], ["posts", "users"]),
        (BOTH, ["posts"], ["users"]),
        (BOTH, ["posts", "users"], []),
        (EITHER, [], ["posts", "users"]),
        (EITHER, ["users"], []),
        (NESTED, ["users"], ["tags"]),
        (NESTED, ["users", "tags"], []),
        (None, [], []),
        (ALIAS, [], ["the alias made"]),
        (ALIAS, ["the alias made"], []),
        ({"any": [ALIAS, asset("posts")]}, ["posts"], []),
        ({"all": [{"asset_ref": {"name": "gone"}}]}, [], ["an asset gone, which no DAG defines"]),
    ],
)
def test_missing(expression: dict[str, Any] | None, have: list[str], wanting: list[str]) -> None:
    """`all` wants every asset, `any` is content with one, and both nest."""
    assert missing(expression, have) == wanting


def test_asset_uris_are_found_at_every_depth() -> None:
    """Every asset of a nested expression is named once."""
    assert asset_uris(NESTED) == ["posts", "users", "tags"]
