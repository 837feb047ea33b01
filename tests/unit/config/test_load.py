"""The configuration is read from file, variables and flags, and every problem is reported at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.config import load
from sandbox.config.lines import key_lines, line_of
from sandbox.config.load import settings, variable_name
from sandbox.errors import ConfigurationError


def write(folder: Path, text: str) -> Path:
    (folder / "sandbox.toml").write_text(text, encoding="utf-8")
    return folder


def test_defaults_need_no_file(tmp_path: Path) -> None:
    """A project without sandbox.toml gets production's Airflow row and the default ports."""
    loaded = load(tmp_path, {})

    assert loaded.config.airflow.version == "3.0.2"
    assert loaded.config.airflow.python == "3.11"
    assert loaded.config.airflow.port == 8080
    assert loaded.file is None


def test_flags_win_over_variables_over_the_file(tmp_path: Path) -> None:
    """Each source overrides the one below it, and the origin says which one it was."""
    write(tmp_path, "[airflow]\nport = 1\n[s3]\nport = 2\n[archive]\nport = 3\n")

    loaded = load(tmp_path, {"SANDBOX_AIRFLOW_PORT": "11", "SANDBOX_S3_PORT": "12"}, {"airflow.port": 21})

    assert (loaded.config.airflow.port, loaded.config.s3.port, loaded.config.archive.port) == (21, 12, 3)
    assert loaded.origins["airflow.port"] == "--port"
    assert loaded.origins["s3.port"] == "SANDBOX_S3_PORT"
    assert loaded.origins["archive.port"] == "sandbox.toml:6"


def test_all_problems_are_reported_at_once_with_their_lines(tmp_path: Path) -> None:
    """A typo, a wrong type, a wrong value and a bad variable are four lines of one error."""
    write(tmp_path, '[airflow]\nversion = 3\nlauncer = "plain"\n\n[s3]\nbuckets = ["UPPER"]\n')

    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, {"SANDBOX_S3_PROT": "1"})

    assert caught.value.what == "the configuration has 4 problems"
    assert "sandbox.toml:2: airflow.version: must be text in quotes, not 3" in caught.value.why
    assert "sandbox.toml:3: airflow.launcer: unknown key; did you mean `launcher`?" in caught.value.why
    assert "sandbox.toml:6: s3.buckets.0:" in caught.value.why
    assert "SANDBOX_S3_PROT: no such setting; did you mean SANDBOX_S3_PORT?" in caught.value.why


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("s3.port = 70000", "s3.port: must be at most 65535, not 70000"),
        ('s3.port = "4566"', 's3.port: must be a whole number, not "4566"'),
        ('s3.buckets = "a"', 's3.buckets: must be a list in brackets, not "a"'),
        ("run.conf = 3", "run.conf: must be a table, not 3"),
        ('limits.up_seconds = "soon"', 'limits.up_seconds: must be a number, not "soon"'),
        ("limits.up_seconds = 0", "limits.up_seconds: must be more than 0"),
        ("databricks.schemas = []", "databricks.schemas: must have at least 1 item"),
        ('backend = "podman"', "backend: must be 'process', 'docker', 'kind' or 'cluster', not \"podman\""),
    ],
)
def test_a_wrong_value_is_told_in_the_words_of_the_file(tmp_path: Path, line: str, complaint: str) -> None:
    """What the value must be is said as one writes it in TOML, not as Python calls it."""
    write(tmp_path, f"{line}\n")

    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, {})

    assert f"sandbox.toml:1: {complaint}" in caught.value.why


def test_problems_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Whoever mends them goes from top to bottom."""
    write(tmp_path, "[s3]\nport = 0\n\n[airflow]\nport = 0\n\n[nothing]\nx = 1\n")

    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, {})

    assert [line.split(":")[1] for line in caught.value.why.splitlines()] == ["2", "5", "7"]


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    """The line with the byte is named."""
    (tmp_path / "sandbox.toml").write_bytes(b"[run]\ndag = '\xff'\n")

    with pytest.raises(ConfigurationError, match=r"sandbox\.toml:2 is not UTF-8.*0xff"):
        load(tmp_path, {})


def test_invalid_toml_names_line_and_column(tmp_path: Path) -> None:
    """A file that is no TOML is an error of its own, with the position."""
    write(tmp_path, "[airflow\n")

    with pytest.raises(ConfigurationError, match=r"not valid TOML.*line 1"):
        load(tmp_path, {})


@pytest.mark.parametrize(
    ("connection", "complaint"),
    [
        ("{}", "needs `service"),
        ('{ service = "s3", conn_type = "http" }', "not both"),
        ('{ service = "s4" }', "must be 's3' or 'databricks', not \"s4\""),
    ],
)
def test_a_connection_is_aimed_or_spelled_out(tmp_path: Path, connection: str, complaint: str) -> None:
    """A connection names a service of the sandbox or a type of its own, never neither and never both."""
    write(tmp_path, f"[airflow.connections]\naws_conn = {connection}\n")

    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, {})

    assert complaint in caught.value.why
    assert "sandbox.toml:2: airflow.connections.aws_conn" in caught.value.why


def test_every_scalar_setting_has_a_variable_of_its_own() -> None:
    """No two settings share a SANDBOX_* variable."""
    names = [variable_name(path) for path, _ in settings()]

    assert "SANDBOX_AIRFLOW_VERSION" in names
    assert len(names) == len(set(names))


def test_lines_of_quoted_and_dotted_keys() -> None:
    """Keys are found however TOML lets one write them."""
    lines = key_lines('[a."b.c"]\nx.y = 1\n"z" = 2\n')

    assert lines[("a", "b.c")] == 1
    assert lines[("a", "b.c", "x", "y")] == 2
    assert line_of(lines, ["a", "b.c", "z", 0]) == 3
    assert line_of(lines, ["nowhere"]) is None
