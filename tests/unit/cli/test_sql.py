"""`sandbox sql`: what of a command line is the statement."""

from __future__ import annotations

import click
import pytest

from sandbox.cli.sql import command


def parsed(*arguments: str) -> dict[str, object]:
    """The parameters of `sandbox sql` with these arguments."""
    return command.make_context("sql", list(arguments)).params


@pytest.mark.parametrize(
    "statement",
    [
        "-- all posts\nselect 1",
        "--all posts where a = b\nselect 1",
        "--posts\nselect 1",
        "--=====\n--posts\n--=====\nselect 1",
        "-- a = b",
        "/* all */ select 1",
    ],
)
def test_a_statement_may_begin_with_a_comment(statement: str) -> None:
    """Wherever the options stand."""
    for arguments in ((statement, "--json"), ("--json", statement), ("--json", "--", statement)):
        found = parsed(*arguments)

        assert (found["statement"], found["as_json"]) == (statement, True)


@pytest.mark.parametrize("option", ["--jsno", "--nmae=of a sandbox", "--with-dash"])
def test_a_mistyped_option_is_said(option: str) -> None:
    """It is no statement."""
    with pytest.raises(click.NoSuchOption, match=option.partition("=")[0]):
        parsed(option, "select 1")
