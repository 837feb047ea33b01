"""Read sandbox.toml, apply SANDBOX_* variables and flags, validate everything, remember where each value came from."""

from __future__ import annotations

import difflib
import json
import shlex
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from sandbox.config.lines import key_lines, line_of
from sandbox.config.model import Config
from sandbox.config.wording import wrong_value
from sandbox.errors import ConfigurationError

FILE_NAME = "sandbox.toml"
SCALARS = (str, int, float, bool)
# SANDBOX_* variables that are not settings of sandbox.toml
OTHER_VARIABLES = frozenset(
    f"SANDBOX_{name}"
    for name in (
        "BUNDLE",
        "CACHE_DIR",
        "DATABRICKS_TOKEN",
        "INSTANCE",
        "MAVEN_URL",
        "NAME",
        "REPORT_KEY",
        "SERVICE",
        "TEST_BACKENDS",
        "TEST_ENGINES",
        "TEST_WORKERS",
    )
)


@dataclass(frozen=True, kw_only=True)
class LoadedConfig:
    """A valid configuration, and for each setting (dotted) that is not a default where it came from."""

    config: Config
    origins: Mapping[str, str]
    file: Path | None


def settings(model: type[BaseModel] = Config, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every setting that a SANDBOX_* variable can override, scalars and tables of texts: its path and its type."""
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from settings(annotation, (*prefix, name))
        elif annotation in (int, float, bool):
            yield (*prefix, name), annotation
        elif annotation is str or "Literal" in str(annotation) or str(annotation) == "str | None":
            yield (*prefix, name), str
        elif annotation == dict[str, str]:
            yield (*prefix, name), dict


def variable_name(path: Sequence[str]) -> str:
    """The environment variable of a setting: SANDBOX_AIRFLOW_VERSION for airflow.version."""
    return "SANDBOX_" + "_".join(path).upper()


def _converted(text: str, kind: type) -> object:
    """`text` as a value of `kind`, or `text` itself where it isn't one (validation then says so)."""
    try:
        match kind.__name__:
            case "int":
                return int(text)
            case "float":
                return float(text)
            case "bool":
                return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
            case "dict":
                return json.loads(text)
    except (ValueError, KeyError):
        return text
    return text


def _put(tree: dict[str, Any], path: Sequence[str], value: object) -> None:
    for name in path[:-1]:
        tree = tree.setdefault(name, {})
    tree[path[-1]] = value


def _leaves(tree: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*prefix, name))
        else:
            yield (*prefix, name)


def _apply_variables(
    tree: dict[str, Any], env: Mapping[str, str], origins: dict[tuple[str, ...], str], problems: list[str]
) -> None:
    known = {variable_name(path): (path, kind) for path, kind in settings()}
    for name in sorted(env):
        if not name.startswith("SANDBOX_") or name in OTHER_VARIABLES:
            continue
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            problems.append(f"{name}: no such setting" + (f"; did you mean {close[0]}?" if close else ""))
            continue
        path, kind = known[name]
        _put(tree, path, _converted(env[name], kind))
        origins[path] = name


def _unknown_key(path: tuple[str, ...]) -> str:
    model: type[BaseModel] | None = Config
    for name in path[:-1]:
        field = model.model_fields.get(name) if model else None
        annotation = field.annotation if field else None
        model = annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
    close = difflib.get_close_matches(path[-1], model.model_fields, n=1) if model else []
    return "unknown key" + (f"; did you mean `{close[0]}`?" if close else "")


def _problem(error: Any, where: str) -> str:
    path = tuple(str(part) for part in error["loc"])
    text = _unknown_key(path) if error["type"] == "extra_forbidden" else wrong_value(error)
    # what two settings may not be together is at no place of its own: the text names both
    return ": ".join(part for part in (where, ".".join(path), text) if part)


def _read(file: Path) -> tuple[str, dict[str, Any]]:
    """The file's text and what it says; both empty when there is no such file."""
    try:
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        return text, tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = file.read_bytes()[: error.start].count(b"\n") + 1
        complaint = f"{FILE_NAME}:{line} is not UTF-8: {error.reason} (byte {error.object[error.start]:#04x})"
    except OSError as error:
        complaint = f"{FILE_NAME} cannot be read: {error.strerror}"
    except tomllib.TOMLDecodeError as error:
        complaint = f"{FILE_NAME} is not valid TOML: {error}"
    raise ConfigurationError(complaint, next_command=f"$EDITOR {shlex.quote(str(file))}")


def load(project: Path, env: Mapping[str, str], flags: Mapping[str, object] | None = None) -> LoadedConfig:
    """Read the configuration of the project at `project`.

    `flags` maps dotted settings to values and wins over `env` (SANDBOX_*), which wins over sandbox.toml. Raises
    ConfigurationError with every problem at once, each with its line or variable.
    """
    file = project / FILE_NAME
    text, tree = _read(file)
    origins: dict[tuple[str, ...], str] = {}
    lines = key_lines(text)
    for path in _leaves(tree):
        origins[path] = f"{FILE_NAME}:{line_of(lines, path)}"
    problems: list[str] = []
    _apply_variables(tree, env, origins, problems)
    for dotted, value in (flags or {}).items():
        _put(tree, dotted.split("."), value)
        origins[tuple(dotted.split("."))] = f"--{dotted.split('.')[-1].replace('_', '-')}"
    try:
        config = Config.model_validate(tree)
    except ValidationError as invalid:
        for detail in sorted(invalid.errors(), key=lambda detail: line_of(lines, [*map(str, detail["loc"])]) or 0):
            path = tuple(str(part) for part in detail["loc"])
            origin = origins.get(path, "")
            line = line_of(lines, path)
            where = origin if origin and not origin.startswith(FILE_NAME) else f"{FILE_NAME}:{line or 1}"
            where = where if path else ""
            problems.append(_problem(detail, where))
        config = None
    if problems or config is None:
        count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
        raise ConfigurationError(
            f"the configuration has {count}", why="\n".join(problems), next_command=f"$EDITOR {shlex.quote(str(file))}"
        )
    return LoadedConfig(
        config=config,
        origins={".".join(path): origin for path, origin in origins.items()},
        file=file if file.is_file() else None,
    )
