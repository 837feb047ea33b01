"""The words that generated posts and users are made of, with everything that makes real ones hard to parse.

Only `Random.random` is used anywhere in the generator: it is the one method whose sequence Python promises to keep.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar

_T = TypeVar("_T")

TAGS = (
    *(
        "python",
        "c#",
        "c++",
        ".net",
        "node.js",
        "objective-c",
        "asp.net-mvc",
        "база-данных",
        "機械学習",
        "r",
        "c",
        "f#",
    ),
    *(
        "neural-network",
        "machine-learning",
        "xml",
        "sql",
        "bash",
        "regex",
        "unicode",
        "time-series",
        "utf-8",
        "7z",
    ),
    *(f"topic-{number}" for number in range(1, 60)),
)
DISPLAY_NAMES = (
    *(
        "Ada",
        "null",
        "NULL",
        "O&#39;Brien",
        "&quot;Bobby&quot; Tables",
        "Zoë",
        "李雷",
        "محمد",
        "🦊 fox",
        "user42",
        "  spaced ",
    ),
    *(
        "a &amp; b",
        "&lt;script&gt;",
        "N/A",
        "-",
        "0",
        "true",
        "Jörg Müller",
        "Владимир",
        "D&#xE9;j&#xE0; vu",
    ),
)
LOCATIONS = (
    "Berlin, Germany",
    "São Paulo",
    "東京",
    "127.0.0.1",
    "here &amp; there",
    "Україна",
    "",
)
ABOUT = (
    "&lt;p&gt;I &lt;3 data.&lt;/p&gt;&#xA;",
    "&lt;p&gt;Line one&#xA;line two&#xD;&#xA;line three&lt;/p&gt;&#xA;",
    "&lt;p&gt;🧪 &amp;amp; &quot;quotes&quot;&lt;/p&gt;",
    "",
)
_SYLLABLES = (
    "ta",
    "ri",
    "mon",
    "el",
    "qu",
    "as",
    "ver",
    "no",
    "lis",
    "pe",
    "dor",
    "ka",
    "um",
    "in",
    "sol",
    "gra",
    "th",
    "co",
)
_ODD_SENTENCES = (
    "if a &amp;lt; b &amp;amp;&amp;amp; c &amp;gt; d:",
    "&lt;pre&gt;&lt;code&gt;for i in range(10):&#xA;&#x9;print(&quot;tab&quot;)&#xA;&lt;/code&gt;&lt;/pre&gt;&#xA;",
    "Emoji 👩‍🔬🚀, accents éèü, 漢字, עברית, zero&#x200B;width and a lone &amp;nbsp;.",
    "&lt;a href=&quot;https://example.org/?a=1&amp;amp;b=2&quot;&gt;a link&lt;/a&gt;",
    "$\\sum_{i=1}^n x_i^2$ and a \\ backslash, a ' quote, 50% of {braces} | pipes, and `ticks`.",
    "&lt;blockquote&gt;&#xD;&#xA;  two  spaces&#xD;&#xA;&lt;/blockquote&gt;",
    "&lt;row Id=&quot;1&quot; /&gt; is not a row, and ]]&gt; ends nothing.",
)


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """Sentences drawn once from a seed; enough of them that a compressor finds about what it finds in real posts."""

    sentences: tuple[str, ...]
    titles: tuple[str, ...]

    def body(self, random: Random, length: int) -> str:
        """Escaped HTML of `length` sentences."""
        return "&lt;p&gt;" + " ".join([pick(self.sentences, random) for _ in range(length)]) + "&lt;/p&gt;&#xA;"


def pick(values: tuple[_T, ...], random: Random) -> _T:
    """One of `values`."""
    return values[int(random.random() * len(values))]


def build(random: Random, *, sentences: int = 8000) -> Vocabulary:
    """Draw the sentences and titles."""
    words = tuple("".join(pick(_SYLLABLES, random) for _ in range(1 + int(random.random() * 4))) for _ in range(4000))
    plain = []
    for number in range(sentences):
        if number % 23 == 0:
            plain.append(_ODD_SENTENCES[number // 23 % len(_ODD_SENTENCES)])
            continue
        drawn = [words[int(random.random() ** 2 * len(words))] for _ in range(6 + int(random.random() * 16))]
        plain.append(" ".join(drawn).capitalize() + ("." if number % 5 else "?&#xA;&#xA;"))
    titles = tuple(
        f"How to {pick(words, random)} &quot;{pick(words, random)}&quot; &amp; {pick(words, random)} #{number}?"
        for number in range(500)
    )
    return Vocabulary(sentences=tuple(plain), titles=titles)


def timestamp(moment: datetime) -> str:
    """As the dumps write it: milliseconds, no zone."""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds")


def moment(start: datetime, end: datetime, fraction: float) -> datetime:
    """The moment at `fraction` of the way, to the millisecond."""
    milliseconds = int((end - start).total_seconds() * 1000 * fraction)
    return start + timedelta(milliseconds=milliseconds)
