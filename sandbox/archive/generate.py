"""Generate the dump of a Stack Exchange site: a .7z in exactly the form of the real ones, the same bytes every time."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from random import Random

from sandbox.archive import sevenzip, small_members, users, vocabulary
from sandbox.archive.posts import PostWriter, TagStyle
from sandbox.errors import ConfigurationError

SITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""The name of a site, which names the file of its dump too."""

_DUMP_DATE = datetime(2024, 9, 30, tzinfo=UTC)
_ROWS_AT_ONCE = 200


def generate(
    path: Path,
    *,
    site: str,
    posts: int,
    users: int,
    seed: int,
    tag_style: TagStyle | str = TagStyle.MIXED,
    other_rows: float = 0.1,
) -> Path:
    """Write the archive to `path`, which appears whole or not at all; memory does not grow with `posts`.

    `users` counts the Community user; `other_rows` is how many rows per post each of the members gets that the pipeline
    does not read (in real dumps more than one). The same arguments give the same bytes.
    """
    if not SITE.fullmatch(site):
        raise ConfigurationError(
            f"{site!r} is not the name of a site",
            why="a name has letters, digits, dots, hyphens and underscores, and begins with a letter or digit",
            next_command="sandbox archive generate --site example.stackexchange.com",
        )
    if posts < 0 or users < 0:
        raise ConfigurationError(
            f"cannot generate {posts} posts by {users} users",
            why="both must be 0 or more",
            next_command="sandbox archive generate --posts 2000 --users 600",
        )
    plan = _Plan(
        seed=f"{site}/{seed}",
        posts=posts,
        users=users,
        tag_style=TagStyle(tag_style),
        others=int(posts * other_rows),
    )
    members = _members(plan)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".generate-", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as target:
            sevenzip.write(target, members, modified=_DUMP_DATE)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


@dataclass(frozen=True, kw_only=True)
class _Plan:
    seed: str
    posts: int
    users: int
    tag_style: TagStyle
    others: int

    def random(self, purpose: str) -> Random:
        """Of its own for each member, so that one does not change when another does."""
        return Random(f"{self.seed}/{purpose}")


def _members(plan: _Plan) -> Iterator[sevenzip.Member]:
    words = vocabulary.build(plan.random("words"))
    few, people = plan.others, plan.users
    writer = PostWriter(
        count=plan.posts,
        user_count=people,
        tag_style=plan.tag_style,
        until=_DUMP_DATE,
        random=plan.random("posts"),
        words=words,
    )
    rows: dict[str, Iterable[str]] = {
        "Badges": small_members.badges(few, people, plan.random("badges")),
        "Comments": small_members.comments(few, people, plan.random("comments")),
        "PostHistory": small_members.post_history(few, people, plan.random("history"), words),
        "PostLinks": small_members.post_links(few),
        "Posts": writer.rows(),
        "Tags": small_members.tags(writer.tag_counts),
        "Users": users.rows(people, until=_DUMP_DATE, random=plan.random("users")),
        "Votes": small_members.votes(few),
    }
    for name, lines in rows.items():
        yield sevenzip.Member(name=f"{name}.xml", chunks=_document(name.lower(), lines))


def _document(root: str, rows: Iterable[str]) -> Iterator[bytes]:
    yield f'\ufeff<?xml version="1.0" encoding="utf-8"?>\r\n<{root}>\r\n'.encode()
    iterator = iter(rows)
    while lines := list(islice(iterator, _ROWS_AT_ONCE)):
        yield "".join(lines).encode()
    yield f"</{root}>".encode()
