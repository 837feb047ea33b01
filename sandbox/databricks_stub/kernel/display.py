"""`display` and `displayHTML`: tables as HTML with at most a thousand rows, as Databricks shows them."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any

ROW_LIMIT = 1000
# Documented: https://docs.databricks.com/notebooks/visualizations - display shows up to 10,000 rows or 2 MB; a page
# that is opened offline stays readable with fewer


def display(value: Any = None, *_: Any, **__: Any) -> None:
    """Show a Spark or pandas DataFrame as a table, anything else as Jupyter would."""
    from IPython.display import display as show

    rows = _rows(value)
    if rows is None:
        show(value)
        return
    columns, values, more = rows
    show({"text/html": _html(columns, values, more), "text/plain": _plain(columns, values, more)}, raw=True)


def install() -> None:
    """Give DataFrames their method `display`, as on Databricks."""
    from pyspark.sql.connect.dataframe import DataFrame

    DataFrame.display = display


def display_html(source: str, *_: Any, **__: Any) -> None:
    """Show HTML."""
    from IPython.display import display as show

    show({"text/html": source, "text/plain": source}, raw=True)


def _rows(value: Any) -> tuple[list[str], list[list[Any]], bool] | None:
    if hasattr(value, "toPandas") and hasattr(value, "limit"):
        found = value.limit(ROW_LIMIT + 1).collect()
        return list(value.columns), [list(row) for row in found[:ROW_LIMIT]], len(found) > ROW_LIMIT
    if type(value).__module__.startswith("pandas") and hasattr(value, "itertuples"):
        head = value.head(ROW_LIMIT)
        rows = [list(row) for row in head.itertuples(index=False, name=None)]
        return [str(name) for name in value.columns], rows, len(value) > ROW_LIMIT
    return None


def _html(columns: Iterable[str], rows: Iterable[Sequence[Any]], more: bool) -> str:
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row) + "</tr>" for row in rows)
    note = f"<p>the first {ROW_LIMIT} rows</p>" if more else ""
    return f'<table class="dataframe"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}'


def _cell(value: Any) -> str:
    return '<span class="null">null</span>' if value is None else html.escape(str(value))


def _plain(columns: Sequence[str], rows: Sequence[Sequence[Any]], more: bool) -> str:
    lines = ["\t".join(columns), *("\t".join(str(value) for value in row) for row in rows[:20])]
    if more or len(rows) > 20:
        lines.append("…")
    return "\n".join(lines)
