"""sandbox.archive.bzip2: one stream from several threads."""

from __future__ import annotations

import bz2
from random import Random

import pytest

from sandbox.archive import bzip2


@pytest.mark.parametrize(
    "content",
    [b"", b"x", bytes(3_000_000), b"aaaab" * 500_000, Random(1).randbytes(2_000_000)],
    ids=["nothing", "one byte", "one run", "runs of four", "noise"],
)
def test_bz2_unpacks_what_it_packs(content: bytes) -> None:
    """Runs of four bytes are where bzip2's first step makes the data longer."""
    chunks = [content[start : start + 100_003] for start in range(0, len(content), 100_003)]

    assert bz2.decompress(b"".join(bzip2.compress(chunks))) == content


def test_the_number_of_threads_does_not_show() -> None:
    """Nor does how the input was cut."""
    content = Random(2).randbytes(3_000_000)
    one = b"".join(bzip2.compress([content], threads=1))
    four = b"".join(bzip2.compress([content[:7], content[7:]], threads=4))

    assert one == four
