"""Thin typed REST clients of the services, for following runs, for tests and for promotion."""
