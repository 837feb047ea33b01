"""What the pipeline's tables must hold for an archive, computed in plain Python straight from its XML.

Shares no code with the pipeline nor with the generator: py7zr unpacks to a temporary folder, ElementTree reads row by
row.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import py7zr

POST_TYPES = {
    "1": "Question",
    "2": "Answer",
    "3": "Wiki",
    "4": "TagWikiExcerpt",
    "5": "TagWiki",
    "6": "ModeratorNomination",
    "7": "WikiPlaceholder",
    "8": "PrivilegeWiki",
    "9": "Article",
    "10": "HelpArticle",
    "12": "Collection",
    "13": "ModeratorQuestionnaireResponse",
    "14": "Announcement",
    "15": "CollectiveDiscussion",
    "17": "CollectiveCollection",
}


@dataclass(frozen=True, kw_only=True)
class Truth:
    """The expected tables in numbers; `joined` has (post id, post type, score, owner's id, owner's reputation)."""

    posts: int
    users: int
    post_types: dict[str, int]
    tags: dict[str, int]
    posts_without_owner_row: int
    joined: frozenset[tuple[int, str, int, int | None, int | None]]
    post_attributes: frozenset[str]
    user_attributes: frozenset[str]

    @property
    def top_tags(self) -> list[tuple[str, int]]:
        """Tags by falling count, then by name."""
        return sorted(self.tags.items(), key=lambda item: (-item[1], item[0]))


def of_archive(archive: Path) -> Truth:
    """The truth about a .7z."""
    with tempfile.TemporaryDirectory() as folder:
        with py7zr.SevenZipFile(archive) as opened:
            opened.extract(path=folder, targets=["Posts.xml", "Users.xml"])
        return of_xml(Path(folder) / "Posts.xml", Path(folder) / "Users.xml")


def of_xml(posts: Path, users: Path) -> Truth:
    """The truth about a pair of XML files."""
    reputations: dict[str, int] = {}
    user_attributes: set[str] = set()
    user_count = 0
    for row in rows(users):
        user_count += 1
        user_attributes |= row.keys()
        reputations[row["Id"]] = int(row["Reputation"])
    types: Counter[str] = Counter()
    tags: Counter[str] = Counter()
    joined = set()
    post_attributes: set[str] = set()
    for row in rows(posts):
        post_attributes |= row.keys()
        type_name = POST_TYPES.get(row["PostTypeId"], f"Unknown ({row['PostTypeId']})")
        types[type_name] += 1
        tags.update(split_tags(row.get("Tags", "")))
        owner = row.get("OwnerUserId", "")
        known = owner in reputations
        joined.add(
            (
                int(row["Id"]),
                type_name,
                int(row["Score"]),
                int(owner) if known else None,
                reputations[owner] if known else None,
            )
        )
    return Truth(
        posts=sum(types.values()),
        users=user_count,
        post_types=dict(types),
        tags=dict(tags),
        posts_without_owner_row=sum(1 for entry in joined if entry[3] is None),
        joined=frozenset(joined),
        post_attributes=frozenset(post_attributes),
        user_attributes=frozenset(user_attributes),
    )


def split_tags(text: str) -> list[str]:
    """The tags of either spelling: `<a><b>` or `|a|b|`."""
    return re.findall(r"<([^<>]+)>", text) if text.startswith("<") else [tag for tag in text.split("|") if tag]


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The attributes of each `<row>`."""
    for _, element in ET.iterparse(path, events=("end",)):
        if element.tag == "row":
            yield dict(element.attrib)
        element.clear()
