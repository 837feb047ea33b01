"""Which files a path means."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.databricks_stub.kernel.volumes.files import chunks, expand


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files, hidden ones, and a folder in it."""
    for name in ("b.xml", "a.xml", "c.txt", "_hidden.xml", ".hidden.xml", "sub/d.xml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


@pytest.mark.parametrize(
    ("path", "options", "names"),
    [
        ("", {}, ["a.xml", "b.xml", "c.txt"]),
        ("", {"pattern": "*.xml"}, ["a.xml", "b.xml"]),
        ("", {"recursive": True}, ["a.xml", "b.xml", "c.txt", "sub/d.xml"]),
        ("/*.xml", {}, ["_hidden.xml", "a.xml", "b.xml"]),
        ("/a.xml", {}, ["a.xml"]),
    ],
)
def test_a_path_means_files(folder: Path, path: str, options: dict[str, bool], names: list[str]) -> None:
    """A folder means its files but hidden ones, a pattern what it matches; they are shown under the user's path."""
    found = expand(f"{folder}{path}", shown=f"dbfs:/v{path}", **options)  # type: ignore[arg-type]

    assert [item.address for item in found] == [f"{folder}/{name}" for name in names]
    assert [item.shown for item in found] == [f"dbfs:/v/{name}" for name in names]


def test_no_file_is_an_error(folder: Path) -> None:
    """A path that means nothing is an error with the user's path."""
    with pytest.raises(FileNotFoundError, match="dbfs:/v/nope"):
        expand(f"{folder}/nope", shown="dbfs:/v/nope")


def test_a_file_is_read_in_chunks(folder: Path) -> None:
    """The chunks are the file."""
    assert b"".join(chunks(f"{folder}/a.xml")) == b"a.xml"
