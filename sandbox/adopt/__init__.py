"""Reads another team's repository, running none of it, and drafts its sandbox.toml, matrix.toml and first test."""
