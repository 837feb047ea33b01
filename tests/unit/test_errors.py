"""Errors have three parts and an exit code per class."""

from __future__ import annotations

from sandbox import errors


def test_exit_codes_are_unique() -> None:
    """Each class of error can be told from the others by the exit code alone."""
    classes: list[type[errors.SandboxError]] = [errors.SandboxError, *errors.SandboxError.__subclasses__()]
    codes = [each.exit_code for each in classes] + [errors.INTERRUPTED_EXIT_CODE, 0]

    assert len(codes) == len(set(codes))


def test_text_has_what_why_and_next() -> None:
    """The text of an error shows all three parts, the reason indented."""
    error = errors.ServiceNotHealthy("s3 is down", why="line 1\nline 2", next_command="sandbox up")

    assert str(error) == "s3 is down\n  line 1\n  line 2\nnext: sandbox up"
