"""The plugin's options and fixtures, in pytest runs of projects of their own; nothing is started."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name comes from outside, and the inner run has no workers."""
    for name in ("SANDBOX_NAME", "PYTEST_XDIST_TESTRUNUID", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("options", "expected"), [([], 'startswith("pytest-")'), (["--sandbox-name=mine"], '__eq__("mine")')]
)
def test_the_name(pytester: pytest.Pytester, options: list[str], expected: str) -> None:
    """A run has a sandbox of its own unless it is told another one."""
    pytester.makepyfile(f"def test_name(sandbox_name): assert sandbox_name.{expected}")

    pytester.runpytest_inprocess(*options).assert_outcomes(passed=1)


def test_workers_share_one_name(pytester: pytest.Pytester) -> None:
    """All workers of pytest-xdist see the same name."""
    pytester.makepyfile(
        """
        import pathlib, pytest

        @pytest.mark.parametrize("number", range(4))
        def test_name(sandbox_name, number, worker_id, pytestconfig):
            (pathlib.Path(pytestconfig.rootpath) / f"{worker_id}.name").write_text(sandbox_name)
        """
    )

    pytester.runpytest_inprocess("--numprocesses=2", "--dist=each").assert_outcomes(passed=8)

    names = [file.read_text() for file in pytester.path.glob("*.name")]
    assert len(names) == 2
    assert len(set(names)) == 1


def test_the_project_is_the_nearest_sandbox_toml(pytester: pytest.Pytester) -> None:
    """Tests may lie anywhere in the project."""
    pytester.makefile(".toml", sandbox="")
    folder = pytester.mkdir("inner")
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_it.py").write_text(
        f"def test_it(sandbox_project): assert str(sandbox_project) == {str(pytester.path)!r}"
    )

    pytester.runpytest_inprocess(folder, "-c", folder / "pytest.ini").assert_outcomes(passed=1)


def test_a_configuration_error_is_said_without_a_traceback(pytester: pytest.Pytester) -> None:
    """Each test that needs the sandbox ends with the sandbox's own message."""
    pytester.makefile(".toml", sandbox="[airflow]\nverion = '3'\n")
    pytester.makepyfile("def test_it(sandbox): pass")

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the configuration has 1 problem*", "*sandbox.toml:2: airflow.verion: unknown key*"])
    result.stdout.no_fnmatch_line("*Traceback*")
