"""The workspace's one user: whoever has the token."""

from __future__ import annotations

USER = "sandbox@example.com"
SHORT_NAME = "sandbox"
