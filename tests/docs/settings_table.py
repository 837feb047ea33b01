"""The tables of docs/configuration.md, made from the model: `python -m tests.docs.settings_table` writes them."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from sandbox.config.load import settings, variable_name
from sandbox.config.model import Config
from tests.docs.pages import REPOSITORY

PAGE = REPOSITORY / "docs" / "configuration.md"
BEGIN, END = "<!-- settings: begin, written by `python -m tests.docs.settings_table` -->", "<!-- settings: end -->"
WORDS = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    dict: "table",
    tuple: "list of texts",
}
# where the model leaves the name to speak for itself
MEANINGS = {
    "archive.sample.posts": "How many posts it has.",
    "archive.sample.users": "How many users it has.",
    "archive.sample.seed": "Another seed, other contents.",
    "airflow.connections.NAME.conn_type": "Airflow's type of the connection, when `service` is not given.",
    "airflow.connections.NAME.host": "Its host.",
    "airflow.connections.NAME.port": "Its port.",
    "airflow.connections.NAME.login": "Its login.",
    "airflow.connections.NAME.password": "Its password.",
    "airflow.connections.NAME.schema": "Its schema.",
    "airflow.connections.NAME.extra": "Its extra; added to that of `service`.",
    "airflow.pools.NAME.slots": "How many tasks may be in it at once.",
    "airflow.pools.NAME.description": "What it is for.",
}


def fields(model: type[BaseModel] = Config, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every setting of a model with its dotted name; what stands in a table of tables is called NAME."""
    for name, field in model.model_fields.items():
        dotted = f"{prefix}{field.alias or name}"
        inner = _model_in(field.annotation)
        if inner is None:
            yield dotted, field
        elif isinstance(field.annotation, type):
            yield from fields(inner, f"{dotted}.")
        else:
            yield dotted, field
            yield from fields(inner, f"{dotted}.NAME.")


def _model_in(annotation: Any) -> type[BaseModel] | None:
    candidates = (annotation, *typing.get_args(annotation))
    return next((item for item in candidates if isinstance(item, type) and issubclass(item, BaseModel)), None)


def type_words(annotation: Any) -> str:
    """A type in words, the choices of a Literal as code."""
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        return " or ".join(f"`{choice}`" for choice in typing.get_args(annotation))
    if origin in (typing.Union, types.UnionType):
        return type_words(next(item for item in typing.get_args(annotation) if item is not types.NoneType))
    if origin is typing.Annotated:
        return type_words(typing.get_args(annotation)[0])
    return WORDS[origin or annotation]


def default_words(field: FieldInfo) -> str:
    """A default as sandbox.toml would have it."""
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined:
        return "required"
    return "" if value is None else f"`{json.dumps(value)}`"


def tables() -> str:
    """The generated block: one table for each section."""
    variables = {".".join(path): variable_name(path) for path, _ in settings()}
    rows: dict[str, list[str]] = {}
    for name, field in fields():
        section = name.rpartition(".")[0]
        meaning = field.description or MEANINGS[name]
        variable = f"`{variables[name]}`" if name in variables else ""
        cells = (f"`{name}`", type_words(field.annotation), default_words(field), variable, meaning.replace("|", "\\|"))
        rows.setdefault(section, []).append(f"| {' | '.join(cells)} |")
    parts = []
    for section, lines in rows.items():
        parts.append(f"### {f'`[{section}]`' if section else 'At the top'}\n")
        parts.append("| Setting | Type | Default | Variable | Meaning |\n|---|---|---|---|---|")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def with_tables(page: str) -> str:
    """The page with its generated block made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text("utf-8")), "utf-8")
