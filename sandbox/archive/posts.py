"""Rows of Posts.xml: threads of a question and its answers, with the other post types strewn in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from random import Random

from sandbox.archive import users, vocabulary
from sandbox.archive.vocabulary import Vocabulary, pick, timestamp

FIRST_DAY = datetime(2010, 7, 19, 19, 12, 12, tzinfo=UTC)
TAGS_CHANGED = datetime(2024, 1, 1, tzinfo=UTC)
"""Posts created from here on have their tags as `|a|b|` where the style is `mixed`."""
# Every type that is neither question nor answer, one that the documentation lacks (99) among them
OTHER_TYPES = (4, 5, 3, 6, 7, 8, 4, 5, 9, 10, 12, 15, 17, 99)
_OTHER_EVERY = 25
_LICENSES = (
    (datetime(2011, 4, 8, tzinfo=UTC), "CC BY-SA 2.5"),
    (datetime(2018, 5, 2, tzinfo=UTC), "CC BY-SA 3.0"),
    (datetime.max.replace(tzinfo=UTC), "CC BY-SA 4.0"),
)


class TagStyle(StrEnum):
    """How the Tags attribute is written: dumps before 2024, dumps since, or by the post's own date."""

    ANGLE = "angle"
    PIPE = "pipe"
    MIXED = "mixed"


@dataclass(kw_only=True)
class PostWriter:
    """Yields the rows; `tag_counts` is complete when they have all been read."""

    count: int
    user_count: int
    tag_style: TagStyle
    until: datetime
    random: Random
    words: Vocabulary
    tag_counts: Counter[str] = field(default_factory=Counter)

    def rows(self) -> Iterator[str]:
        """One line per post, in the order of their ids."""
        post_id = 0
        written = 0
        other = 0
        while written < self.count:
            post_id += 1 + (self.random.random() < 0.15)  # deleted posts leave gaps
            if written >= other * _OTHER_EVERY + 2:
                yield self._other(post_id, OTHER_TYPES[other % len(OTHER_TYPES)], written)
                other += 1
                written += 1
                continue
            answers = min(int(self.random.random() ** 2 * 5), self.count - written - 1)
            yield self._question(post_id, answers, written)
            question_id = post_id
            for number in range(answers):
                post_id += 1
                yield self._answer(post_id, question_id, written + 1 + number)
            written += 1 + answers

    def _question(self, post_id: int, answers: int, index: int) -> str:
        random = self.random
        accepted = f' AcceptedAnswerId="{post_id + 1}"' if answers and random.random() < 0.6 else ""
        created = self._created(index)
        owner, editor = self._people(created)
        tail = f' AnswerCount="{answers}" CommentCount="{int(random.random() * 5)}"'
        if random.random() < 0.3:
            tail += f' FavoriteCount="{int(random.random() ** 4 * 100)}"'
        if random.random() < 0.05:
            tail += f' ClosedDate="{timestamp(created + timedelta(days=2))}"'
        if random.random() < 0.02:
            tail += f' CommunityOwnedDate="{timestamp(created + timedelta(days=9))}"'
        return (
            f'  <row Id="{post_id}" PostTypeId="1"{accepted} CreationDate="{timestamp(created)}"'
            f' Score="{self._score()}" ViewCount="{int(random.random() ** 3 * 90_000)}" Body="{self._body()}"'
            f'{owner}{editor} Title="{pick(self.words.titles, random)}" Tags="{self._tags(created)}"'
            f"{tail}{self._license(created)} />\r\n"
        )

    def _answer(self, post_id: int, question_id: int, index: int) -> str:
        created = self._created(index)
        owner, editor = self._people(created)
        return (
            f'  <row Id="{post_id}" PostTypeId="2" ParentId="{question_id}" CreationDate="{timestamp(created)}"'
            f' Score="{self._score()}" Body="{self._body()}"{owner}{editor}'
            f' CommentCount="{int(self.random.random() * 4)}"{self._license(created)} />\r\n'
        )

    def _other(self, post_id: int, post_type: int, index: int) -> str:
        created = self._created(index)
        # wikis belong to the Community user, and an excerpt's body is often empty
        owner, editor = (' OwnerUserId="-1"', "") if post_type in {4, 5} else self._people(created)
        body = "" if post_type == 4 and self.random.random() < 0.5 else self._body()
        new_attribute = ' TrendingScore="0.5"' if index % 3 == 0 else ""  # what a later dump may add
        return (
            f'  <row Id="{post_id}" PostTypeId="{post_type}" CreationDate="{timestamp(created)}"'
            f' Score="{self._score()}" Body="{body}"{owner}{editor}'
            f' CommentCount="0"{new_attribute}{self._license(created)} />\r\n'
        )

    def _created(self, index: int) -> datetime:
        return vocabulary.moment(FIRST_DAY, self.until, (index + self.random.random()) / (self.count + 1))

    def _score(self) -> int:
        return int(self.random.random() ** 6 * 400) - 3

    def _body(self) -> str:
        drawn = self.random.random()
        return self.words.body(self.random, 200 if drawn > 0.999 else 1 + int(drawn * drawn * 22))

    def _people(self, created: datetime) -> tuple[str, str]:
        """The attributes of owner and editor: some posts lost their owner, some never had an account's."""
        random = self.random
        drawn = random.random()
        active = timestamp(created + timedelta(hours=random.random() * 400))
        name = pick(vocabulary.DISPLAY_NAMES, random)
        if drawn < 0.05 or self.user_count == 0:
            owner = f' OwnerDisplayName="{name}"'
        elif drawn < 0.08:
            owner = f' OwnerUserId="{users.deleted_id(random, self.user_count)}"'
        elif drawn < 0.10:
            owner = f' OwnerUserId="{users.existing_id(random, self.user_count)}" OwnerDisplayName="{name}"'
        else:
            owner = f' OwnerUserId="{users.existing_id(random, self.user_count)}"'
        if random.random() < 0.6:
            return owner, f' LastActivityDate="{active}"'
        if drawn > 0.97 or self.user_count == 0:
            editor = f' LastEditorDisplayName="{name}"'
        else:
            editor = f' LastEditorUserId="{users.existing_id(random, self.user_count)}"'
        return owner, f'{editor} LastEditDate="{active}" LastActivityDate="{active}"'

    def _tags(self, created: datetime) -> str:
        first = int(self.random.random() ** 2 * len(vocabulary.TAGS))
        step = 1 + int(self.random.random() * 7)
        count = 1 + int(self.random.random() * 5)
        tags = [vocabulary.TAGS[(first + step * number) % len(vocabulary.TAGS)] for number in range(count)]
        self.tag_counts.update(tags)
        pipe = self.tag_style is TagStyle.PIPE or (self.tag_style is TagStyle.MIXED and created >= TAGS_CHANGED)
        return "|" + "|".join(tags) + "|" if pipe else "".join(f"&lt;{tag}&gt;" for tag in tags)

    def _license(self, created: datetime) -> str:
        if self.random.random() < 0.03:
            return ""
        name = next(name for until, name in _LICENSES if created < until)
        return f' ContentLicense="{name}"'
