"""What magics make of their text; the parts that need no IPython."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.databricks_stub.kernel.dbutils import Widgets
from sandbox.databricks_stub.kernel.magics import (
    CommandFailed,
    UnsupportedMagic,
    install,
    parse_fs,
    parse_run,
    shell_command,
    split_statements,
    widget_statement,
    with_widgets,
)


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';' -- a; comment\n", ["SELECT ';'"]),
        ("SELECT /* ; */ `a;b`", ["SELECT /* ; */ `a;b`"]),
        ("SELECT 'it\\'s; fine'; ", ["SELECT 'it\\'s; fine'"]),
        ("", []),
    ],
)
def test_statements_are_split_outside_of_quotes_and_comments(text: str, statements: list[str]) -> None:
    assert [part.strip() for part in split_statements(text) if part.strip()] == statements


def test_widgets_become_literals_or_text_and_other_names_stay() -> None:
    statement = "SELECT :day, ':day', x::int, :other FROM ${table} WHERE ${unknown}"
    assert with_widgets(statement, {"day": "it's", "table": "t"}) == (
        "SELECT 'it\\'s', ':day', x::int, :other FROM t WHERE ${unknown}"
    )


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        ('CREATE WIDGET TEXT day DEFAULT "2024"', {"old": "there", "day": "2024"}),
        (
            "/* why */ create widget dropdown `a day` default 'x' choices SELECT c FROM t",
            {"old": "there", "a day": "x"},
        ),
        ("\nREMOVE WIDGET old", {}),
    ],
)
def test_widgets_of_sql(statement: str, values: dict[str, str]) -> None:
    widgets = Widgets({})
    widgets.text("old", "there")

    assert widget_statement(statement, widgets)

    assert widgets.getAll() == values


@pytest.mark.parametrize("statement", ["SELECT 'CREATE WIDGET TEXT a DEFAULT \"x\"'", "CREATE TABLE widget (a INT)"])
def test_other_statements_are_no_widgets(statement: str) -> None:
    widgets = Widgets({})

    assert not widget_statement(statement, widgets)

    assert widgets.getAll() == {}


def test_run_takes_a_path_and_arguments() -> None:
    assert parse_run('./a/b $x="1 2" $y=z') == ("./a/b", {"x": "1 2", "y": "z"})
    assert parse_run('./a $x="#1"  # what isn\'t here') == ("./a", {"x": "#1"})
    with pytest.raises(UnsupportedMagic, match="takes a path"):
        parse_run("./a x=1")
    with pytest.raises(UnsupportedMagic, match="names no notebook"):
        parse_run("# ./a")


def test_fs_words_become_arguments() -> None:
    assert parse_fs("ls dbfs:/a") == ("ls", ["dbfs:/a"])
    assert parse_fs("rm -r dbfs:/a") == ("rm", ["dbfs:/a", True])
    assert parse_fs("cp a b true") == ("cp", ["a", "b", True])
    assert parse_fs('put a "true" true') == ("put", ["a", "true", True])
    for line in ("mount x", ""):
        with pytest.raises(UnsupportedMagic, match="there are: ls"):
            parse_fs(line)


def test_a_shell_command_shows_its_output_and_fails_only_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    shell_command("echo one\necho two >&2\nfalse")
    shown = capsys.readouterr()
    assert shown.out == "one\ntwo\n"
    assert shown.err == "exit code 1\n"
    with pytest.raises(CommandFailed, match="exit code 3"):
        shell_command("-e\n(exit 3)\necho not reached")
    assert capsys.readouterr().out == ""


def test_pip_only_installs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnsupportedMagic, match="uninstall x"):
        install("uninstall x", tmp_path)
    monkeypatch.setenv("SANDBOX_UV", str(tmp_path / "none"))
    with pytest.raises(CommandFailed, match="SANDBOX_UV"):
        install("install x", tmp_path)
