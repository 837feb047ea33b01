"""Rows of the members that the pipeline does not read: there, in the right form, and by default small."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from sandbox.archive import users
from sandbox.archive.vocabulary import Vocabulary, timestamp

_DAY = datetime(2015, 3, 14, 9, 26, 53, tzinfo=UTC)


def badges(count: int, user_count: int, random: Random) -> Iterator[str]:
    """Rows of Badges.xml."""
    for number in range(1, count + 1):
        user_id = users.existing_id(random, user_count)
        yield (
            f'  <row Id="{number}" UserId="{user_id}" Name="Autobiographer" Date="{_date(number)}" Class="3"'
            ' TagBased="False" />\r\n'
        )


def comments(count: int, user_count: int, random: Random) -> Iterator[str]:
    """Rows of Comments.xml."""
    for number in range(1, count + 1):
        user_id = users.existing_id(random, user_count)
        yield (
            f'  <row Id="{number}" PostId="{number}" Score="0" Text="+1 &amp; thanks! 👍"'
            f' CreationDate="{_date(number)}" UserId="{user_id}" ContentLicense="CC BY-SA 3.0" />\r\n'
        )


def post_history(count: int, user_count: int, random: Random, words: Vocabulary) -> Iterator[str]:
    """Rows of PostHistory.xml."""
    for number in range(1, count + 1):
        user_id = users.existing_id(random, user_count)
        guid = f"{int(random.random() * 2**48):012x}"
        yield (
            f'  <row Id="{number}" PostHistoryTypeId="2" PostId="{number}"'
            f' RevisionGUID="00000000-0000-4000-8000-{guid}" CreationDate="{_date(number)}" UserId="{user_id}"'
            f' Text="{words.body(random, 1 + int(random.random() ** 2 * 22))}" ContentLicense="CC BY-SA 4.0" />\r\n'
        )


def post_links(count: int) -> Iterator[str]:
    """Rows of PostLinks.xml."""
    for number in range(1, count + 1):
        yield (
            f'  <row Id="{number}" CreationDate="{_date(number)}" PostId="{number}" RelatedPostId="{number + 1}"'
            f' LinkTypeId="{1 if number % 3 else 3}" />\r\n'
        )


def tags(counts: Counter[str]) -> Iterator[str]:
    """Rows of Tags.xml, whose counts are those of the posts written before."""
    for number, (tag, count) in enumerate(sorted(counts.items()), start=1):
        yield f'  <row Id="{number}" TagName="{tag}" Count="{count}" />\r\n'


def votes(count: int) -> Iterator[str]:
    """Rows of Votes.xml."""
    for number in range(1, count + 1):
        yield (
            f'  <row Id="{number}" PostId="{number}" VoteTypeId="2"'
            f' CreationDate="{_date(number)[:10]}T00:00:00.000" />\r\n'
        )


def _date(number: int) -> str:
    return timestamp(_DAY + timedelta(minutes=number * 17))
