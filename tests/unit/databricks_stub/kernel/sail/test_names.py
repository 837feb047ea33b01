"""Names as Sail must be given them."""

from __future__ import annotations

import pytest

from sandbox.databricks_stub.kernel.sail.names import Names
from sandbox.databricks_stub.kernel.warehouse import Entry, Snapshot


def names(*known: tuple[str, str], schemas: tuple[str, ...] = ("default", "Old"), temporary: str = "") -> Names:
    """The names of a session in the schema `default`."""
    snapshot = Snapshot(schemas=schemas, entries={name: Entry(statement="") for name in known})
    return Names(
        catalog="projects",
        known=lambda: snapshot,
        current_schema=lambda: "default",
        is_temporary=lambda name: name == temporary,
    )


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("Orders", "`orders`"),
        ("orders", "orders"),
        ("Default.ORDERS", "`default`.`orders`"),
        ("PROJECTS.default.orders", "`projects`.`default`.`orders`"),
        ("other.Default.Orders", "other.Default.Orders"),
        ("mixed", "`Mixed`"),
        ("MIXED", "`Mixed`"),
        ("old.T", "`Old`.`t`"),
        ("Both", "Both"),
        ("BOTH", "`both`"),
        ("delta.`/A/B`", "delta.`/A/B`"),
        ("global_temp.View", "`global_temp`.`view`"),
    ],
)
def test_a_table_is_found_under_any_spelling(given: str, meant: str) -> None:
    """In the spelling that the warehouse has, else in lower case; catalogs that are not here and paths stay."""
    known = names(("default", "Mixed"), ("default", "both"), ("default", "Both"))

    assert known.table_text(given) == meant


def test_a_temporary_view_hides_a_table_with_capitals() -> None:
    """As it hides others."""
    assert names(("default", "Mixed"), temporary="mixed").table_text("Mixed") == "`mixed`"
    assert names(("default", "Mixed"), temporary="mixed").table_text("default.mixed") == "`default`.`Mixed`"


@pytest.mark.parametrize(
    ("given", "meant"),
    [("Gold", "`gold`"), ("old", "`Old`"), ("Projects", "`projects`"), ("projects.OLD", "`projects`.`Old`")],
)
def test_schemas_have_no_case_either(given: str, meant: str) -> None:
    """The same rules."""
    assert names().schema_text(given) == meant
