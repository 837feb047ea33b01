"""The assets that the DAGs exchange, and what their events say.

The addresses name the data, not a place: the bucket is a setting of the day, so it travels in an event's extra with
the key, ETag, checksum, size, row count and path below the volume.
"""

from __future__ import annotations

from airflow.sdk import Asset

POSTS = Asset(name="posts", uri="x-stack-exchange://dump/Posts.xml", group="stack_exchange")
USERS = Asset(name="users", uri="x-stack-exchange://dump/Users.xml", group="stack_exchange")
