"""Somebody else's Spark Connect server as the engine."""
