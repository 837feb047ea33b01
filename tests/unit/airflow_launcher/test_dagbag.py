"""An import error is told by the innermost place in the DAG folder."""

from __future__ import annotations

from pathlib import Path

from sandbox.airflow_launcher.dagbag import _error

TRACEBACK = """Traceback (most recent call last):
  File "/project/dags/consumer.py", line 3, in <module>
    from assets import nothing
  File "/project/dags/assets.py", line 7, in <module>
    import yaml_of_the_future
  File "/usr/lib/python3.11/importlib.py", line 99, in find
ModuleNotFoundError: No module named 'yaml_of_the_future'
"""


def test_the_innermost_place_of_the_project_is_named() -> None:
    """Frames of libraries are passed over; the message is the last line."""
    error = _error("/project/dags/consumer.py", TRACEBACK, Path("/project/dags"))

    assert (error["file"], error["line"]) == ("/project/dags/assets.py", 7)
    assert error["message"] == "ModuleNotFoundError: No module named 'yaml_of_the_future'"


def test_without_a_place_the_file_itself_is_named() -> None:
    """A text without a traceback names the file, and no line."""
    error = _error("/project/dags/x.py", "DagBag import timeout", Path("/project/dags"))

    assert (error["file"], error["line"], error["message"]) == ("/project/dags/x.py", None, "DagBag import timeout")
