"""Volumes: what `/Volumes/…` paths stand for, and plain Python's view of them; the same for every engine."""
