"""The pages that list commands name every command, option and exit code, and their examples parse."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click
import nox.registry
import pytest
from click.testing import CliRunner

import noxfile  # noqa: F401 - registers the sessions
import sandbox.errors
from sandbox.cli.main import COMMANDS, group
from sandbox.config.load import OTHER_VARIABLES, settings, variable_name
from tests.docs.pages import REPOSITORY, Example, examples, text

PAGE = "docs/commands.md"
COMMON = {"--name", "--json", "--quiet", "--debug", "--help"}
MINE = [example for example in examples() if example.words[0] == "sandbox"]


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by what one types."""
    context = click.Context(group)
    for verb in COMMANDS:
        command = group.get_command(context, verb)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{verb} {name}", inner) for name, inner in command.commands.items())
        else:
            yield verb, command


def section(title: str) -> str:
    """What commands.md says under the heading of a command."""
    found = re.search(rf"^### `sandbox {re.escape(title)}\b.*?(?=^##|\Z)", text(PAGE), re.MULTILINE | re.DOTALL)
    assert found, f"{PAGE} has no section for sandbox {title}"
    return found[0]


@pytest.mark.parametrize("verb", COMMANDS)
def test_the_readme_lists_every_command(verb: str) -> None:
    """Each command has a row in the README's table."""
    assert f"| `sandbox {verb}` |" in text("README.md")


def test_the_readme_lists_no_other_command() -> None:
    """What the table promises is there."""
    assert set(re.findall(r"^\| `sandbox (\w+)` \|", text("README.md"), re.MULTILINE)) == set(COMMANDS)


@pytest.mark.parametrize(
    ("name", "command"), list(commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_option_is_described(name: str, command: click.Command) -> None:
    """Each option and argument of a command stands in its section; those that all share stand at the top."""
    described = section(name)
    for parameter in command.get_params(click.Context(command, help_option_names=["-h", "--help"])):
        if isinstance(parameter, click.Argument):
            assert (parameter.name or "").upper() in described.splitlines()[0]
            continue
        where = text(PAGE).partition("## The sandbox")[0] if COMMON & {*parameter.opts} else described
        missing = [
            option for option in (*parameter.opts, *parameter.secondary_opts) if not re.search(rf"`{option}\b", where)
        ]
        assert not missing, f"sandbox {name}: {missing}"


def test_no_option_is_invented() -> None:
    """Each option that the page names exists."""
    known = {option for _, command in commands() for parameter in command.params for option in parameter.opts}
    known |= {"-h", "--help", "--version"}
    named = set(re.findall(r"`(--?[a-z][a-z-]*)", text(PAGE)))

    assert named <= known


def test_every_exit_code_is_listed() -> None:
    """Each class of error stands in the table with its code, and so do success and Ctrl-C."""
    page = text(PAGE)
    classes = [
        kind
        for kind in vars(sandbox.errors).values()
        if inspect.isclass(kind) and issubclass(kind, sandbox.errors.SandboxError)
    ]
    for kind in classes:
        assert f"| {kind.exit_code} | `{kind.__name__}` |" in page
    for code in (0, sandbox.errors.INTERRUPTED_EXIT_CODE):
        assert f"| {code} | |" in page


@pytest.mark.parametrize("example", MINE, ids=lambda example: f"{example.page}: {' '.join(example.words)}")
def test_examples_parse(example: Example) -> None:
    """Each command line in a page is one that the tool accepts, and its help works."""
    words = list(example.words[1:])
    if words in (["VERB", "[OPTIONS]"], ["--version"]):
        return
    path, command, arguments = _resolve(words)

    if not any(re.fullmatch(r"\[.*\]|[A-Z]{2,}", argument) for argument in arguments):  # a synopsis has no values
        command.make_context(path, arguments, resilient_parsing=_is_mention(command, arguments))
    assert CliRunner().invoke(group, [*path.split(), "--help"]).exit_code == 0


def _resolve(words: list[str]) -> tuple[str, click.Command, list[str]]:
    context = click.Context(group)
    verb, command, arguments = group.resolve_command(context, words)
    path = verb or ""
    if isinstance(command, click.Group) and arguments:
        inner, command, arguments = command.resolve_command(click.Context(command), arguments)
        path += f" {inner}"
    assert command is not None
    return path, command, arguments


def _is_mention(command: click.Command, arguments: list[str]) -> bool:
    """Whether a command is only named, without what it requires."""
    return not arguments or isinstance(command, click.Group)


def test_there_are_examples() -> None:
    """The search for examples finds them."""
    assert len(MINE) > 30
    assert {example.page for example in MINE} >= {"README.md", PAGE, "docs/airflow.md"}


def test_variables_in_examples_exist() -> None:
    """What stands before a command is a setting's variable, or another one of the tool."""
    known = {variable_name(path) for path, _ in settings()} | OTHER_VARIABLES
    unknown = {name for example in examples() for name in example.variables if name.startswith("SANDBOX_")} - known

    assert not unknown


def test_make_targets_exist() -> None:
    """Each `make …` in a page has its target."""
    targets = set(re.findall(r"^([a-z0-9-]+):", (REPOSITORY / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {
        word
        for example in examples()
        if example.words[0] == "make"
        for word in example.words[1:]
        if re.fullmatch(r"[a-z0-9-]+", word)
    }

    assert named
    assert named <= targets


def test_nox_sessions_exist() -> None:
    """Each `nox -s …` in a page has its function in the noxfile."""
    named = {
        word
        for example in examples()
        if example.words[:2] == ("nox", "-s")
        for word in example.words[2 : next((at for at, word in enumerate(example.words) if word == "--"), None)]
    }

    assert named
    assert named <= {*nox.registry.get()}
