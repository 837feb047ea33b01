"""Rows of Users.xml, and which ids exist: known by arithmetic, so that no list of users is ever held."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from sandbox.archive import vocabulary
from sandbox.archive.vocabulary import pick, timestamp

_FIRST_DAY = datetime(2010, 7, 19, 6, 55, 26, tzinfo=UTC)
_GAP_EVERY = 9  # ids 10, 20, 30 … belonged to accounts that are gone


def rows(count: int, *, until: datetime, random: Random) -> Iterator[str]:
    """One line per user, the Community user -1 first."""
    for index in range(count):
        yield _community() if index == 0 else _row(index, count, until, random)


def existing_id(random: Random, count: int) -> int:
    """The id of a user that `rows` writes; the early ones are drawn more often."""
    return _id(int(random.random() ** 2 * count))


def deleted_id(random: Random, count: int) -> int:
    """The id of a user that `rows` leaves out."""
    return (1 + int(random.random() * (count // _GAP_EVERY + 1))) * (_GAP_EVERY + 1)


def _id(index: int) -> int:
    return -1 if index == 0 else index + (index - 1) // _GAP_EVERY


def _community() -> str:
    day = timestamp(_FIRST_DAY)
    return (
        f'  <row Id="-1" Reputation="1" CreationDate="{day}" DisplayName="Community" LastAccessDate="{day}"'
        ' WebsiteUrl="http://meta.stackexchange.com/" Location="on the server farm"'
        ' AboutMe="&lt;p&gt;Hi, I\'m not really a person.&lt;/p&gt;&#xA;" Views="649" UpVotes="305"'
        ' DownVotes="5588" AccountId="-1" />\r\n'
    )


def _row(index: int, count: int, until: datetime, random: Random) -> str:
    created = vocabulary.moment(_FIRST_DAY, until, index / (count + 1))
    seen = created + timedelta(days=random.random() * 900)
    drawn = random.random()
    user_id = _id(index)
    reputation = 1 if drawn < 0.3 else 1 + int(drawn**12 * 250_000)
    optional = ""
    if drawn < 0.2:
        optional += f' WebsiteUrl="{"https://example.org/~" + str(user_id) if drawn < 0.15 else ""}"'
    if 0.1 < drawn < 0.5:
        optional += f' Location="{pick(vocabulary.LOCATIONS, random)}"'
    if drawn > 0.6:
        optional += f' AboutMe="{pick(vocabulary.ABOUT, random)}"'
    tail = f' AccountId="{user_id * 37 + 11}"' if drawn < 0.97 else ""
    if 0.4 < drawn < 0.7:
        tail += f' ProfileImageUrl="https://i.example.org/{user_id}.png?s=128&amp;g=1"'
    return (
        f'  <row Id="{user_id}" Reputation="{reputation}" CreationDate="{timestamp(created)}"'
        f' DisplayName="{pick(vocabulary.DISPLAY_NAMES, random)}" LastAccessDate="{timestamp(seen)}"{optional}'
        f' Views="{int(drawn * 300)}" UpVotes="{int(drawn**3 * 900)}" DownVotes="{int(drawn**5 * 90)}"{tail} />\r\n'
    )
