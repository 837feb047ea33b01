"""sandbox.archive.sample: the sample, and archives of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.archive import sample
from sandbox.archive.sample import ensure_sample
from sandbox.errors import ConfigurationError, PrerequisiteMissing
from tests import truth


@dataclass
class Quiet:
    """A Progress that remembers the titles of its steps."""

    titles: list[str]

    @contextmanager
    def step(self, title: str) -> Iterator[Quiet]:
        self.titles.append(title)
        yield self

    def update(self, detail: str) -> None:
        pass

    def done(self, detail: str) -> None:
        pass

    def note(self, text: str) -> None:
        pass


@dataclass(frozen=True)
class Settings:
    """A sample so small that making it takes no time."""

    site: str = "sample"
    posts: int = 20
    users: int = 5
    seed: int = 1


def test_generates_the_sample_once(tmp_path: Path) -> None:
    """The second `up` says nothing about it."""
    progress = Quiet([])

    first = sample.ensure(Settings(), tmp_path / "archive", progress)
    stamp = first.stat().st_mtime_ns
    second = sample.ensure(Settings(), tmp_path / "archive", progress)

    assert progress.titles == ["sample archive"]
    assert (second, second.stat().st_mtime_ns) == (first, stamp)
    assert truth.of_archive(first).posts == 20


def test_other_settings_make_another_sample(tmp_path: Path) -> None:
    """As long as it is the one that was generated."""
    ensure_sample(tmp_path, site="sample", posts=20, users=5, seed=1)

    path = ensure_sample(tmp_path, site="sample", posts=30, users=5, seed=1)

    assert truth.of_archive(path).posts == 30


def test_a_dump_of_ones_own_is_never_replaced(tmp_path: Path) -> None:
    """Put there before the first `up`, or over the sample."""
    (tmp_path / "mine.7z").write_bytes(b"my own dump")
    ensure_sample(tmp_path, site="mine", posts=20, users=5, seed=1)
    assert (tmp_path / "mine.7z").read_bytes() == b"my own dump"

    path = ensure_sample(tmp_path, site="sample", posts=20, users=5, seed=1)
    path.write_bytes(b"my own, too")
    ensure_sample(tmp_path, site="sample", posts=99, users=5, seed=1)
    assert path.read_bytes() == b"my own, too"


def test_adds_a_file(tmp_path: Path) -> None:
    """Under its name, which is the site's; again when it has changed."""
    source = tmp_path / "academia.stackexchange.com.7z"
    source.write_bytes(b"first")
    folder = tmp_path / "archive"

    site = sample.add(str(source), folder, Quiet([]))
    sample.add(str(source), folder, Quiet([]))
    assert (folder / source.name).read_bytes() == b"first"
    source.unlink()
    source.write_bytes(b"second")
    sample.add(str(source), folder, Quiet([]))

    assert site == "academia.stackexchange.com"
    assert (folder / source.name).read_bytes() == b"second"
    assert [path.name for path in folder.iterdir()] == [source.name]


@pytest.mark.parametrize("name", ["notes.txt", "a b.7z", "-x.7z", ".7z"])
def test_refuses_what_is_not_called_after_a_site(tmp_path: Path, name: str) -> None:
    """The name becomes an address and a folder."""
    (tmp_path / name).write_bytes(b"x")

    with pytest.raises(ConfigurationError, match="is not the name of a site's dump"):
        sample.add(str(tmp_path / name), tmp_path / "archive", Quiet([]))


def test_says_what_is_missing(tmp_path: Path) -> None:
    """No file, no host; nothing is left in the folder."""
    with pytest.raises(ConfigurationError, match="there is no file"):
        sample.add(str(tmp_path / "x.7z"), tmp_path / "archive", Quiet([]))
    with pytest.raises(PrerequisiteMissing, match=r"cannot download http://127\.0\.0\.1:9/x\.7z"):
        sample.add("http://127.0.0.1:9/x.7z", tmp_path / "archive", Quiet([]))

    assert list((tmp_path / "archive").iterdir()) == []
